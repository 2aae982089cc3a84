// Tranches against their grants, then cycles against the calendar, then prices.
#include "account/audit_terms.hpp"

#include <algorithm>
#include <optional>

#include "account/commands.hpp"
#include "account/cycles.hpp"
#include "account/tranche.hpp"
#include "core/limits.hpp"

namespace meterbox::account {

namespace {

// A tranche of a grant with cycles.
struct InCycle {
    std::int64_t id = 0;
    core::UtcTime starts_at;
    std::optional<core::UtcTime> ends_at;
    GrantTerms grant;
};

std::optional<core::UtcTime> time_of(const std::optional<std::int64_t>& ms) {
    return ms ? std::optional(core::UtcTime{*ms}) : std::nullopt;
}

// By how much it isn't what it is made as in that cycle.
std::int64_t apart_ms(const InCycle& tranche, const core::Cycle& cycle,
                      std::optional<core::UtcTime> last_ends_at) {
    const GrantTerms& grant = tranche.grant;
    const auto from = std::max({cycle.from, grant.starts_at, last_ends_at.value_or(grant.starts_at)});
    const auto to = grant.ends_at ? std::min(cycle.to, *grant.ends_at) : cycle.to;
    const auto between = [](core::UtcTime a, core::UtcTime b) { return a < b ? b - a : a - b; };
    return std::max(between(tranche.starts_at, from), between(*tranche.ends_at, to));
}

class Terms {
public:
    Terms(Database& database, const std::string& team) : database_(database), team_(team) {}

    TermsCompared run() {
        look_at_grants();
        look_at_pools();
        look_at_cycles();
        look_at_prices();
        return std::move(compared_);
    }

private:
    void differ(std::string text) { compared_.differences.push_back(std::move(text)); }

    void look_at_grants() {
        const auto note = [&](auto& row) {
            differ("tranche " + tranche_name(row.integer(0)) +
                   " isn't of the team, tier and resource of its grant, " + grant_name(row.integer(1)));
        };
        database_.each(
            "SELECT t.id, g.id FROM tranche AS t JOIN grant_ AS g ON g.id = t.grant_id WHERE t.team = ? AND "
            "(t.team <> g.team OR t.tier <> g.tier OR (t.pool IS NULL AND t.resource <> "
            "coalesce(g.resource, '')) OR (t.pool IS NOT NULL AND g.resource IS NOT NULL)) ORDER BY t.id",
            note, team_);
        database_.each(
            "SELECT t.id, g.id FROM grant_ AS g JOIN tranche AS t ON t.grant_id = g.id WHERE g.team = ? AND "
            "t.team <> g.team ORDER BY t.id",
            note, team_);
    }

    void look_at_pools() {
        database_.each(
            "SELECT t.id, t.pool FROM tranche AS t LEFT JOIN tranche AS p ON p.id = t.pool WHERE t.team = ? "
            "AND t.pool IS NOT NULL AND (p.id IS NULL OR p.grant_id <> t.grant_id OR p.team <> t.team OR "
            "p.tier <> t.tier OR p.resource <> '' OR p.starts_at <> t.starts_at OR p.ends_at IS DISTINCT "
            "FROM t.ends_at) ORDER BY t.id",
            [&](auto& row) {
                differ("tranche " + tranche_name(row.integer(0)) + " isn't as its pool is, " +
                       tranche_name(row.integer(1)));
            },
            team_);
    }

    void look_at_cycles() {
        std::vector<InCycle> all;
        database_.each(
            "SELECT t.id, t.starts_at, t.ends_at, g.id, g.starts_at, g.ends_at, g.zone, g.anchor FROM "
            "tranche AS t JOIN grant_ AS g ON g.id = t.grant_id WHERE t.team = ? AND t.pool IS NULL AND "
            "g.anchor IS "
            "NOT NULL ORDER BY g.id, t.starts_at, t.id",
            [&](auto& row) {
                InCycle tranche{row.integer(0), {row.integer(1)}, time_of(row.optional_integer(2)), {}};
                tranche.grant.id = row.integer(3);
                tranche.grant.starts_at = {row.integer(4)};
                tranche.grant.ends_at = time_of(row.optional_integer(5));
                tranche.grant.zone = row.string(6);
                tranche.grant.anchor = row.string(7);
                all.push_back(std::move(tranche));
            },
            team_);
        for (std::size_t i = 0; i < all.size(); ++i) {
            const auto is_of_it = [&](std::size_t other) {
                return other < all.size() && all[other].grant.id == all[i].grant.id;
            };
            const bool first = i == 0 || !is_of_it(i - 1);
            // One of before there were cycles: from its grant's start to its end.
            if (first && !is_of_it(i + 1) && all[i].starts_at == all[i].grant.starts_at &&
                all[i].ends_at == all[i].grant.ends_at)
                continue;
            look_at_cycle(all[i], first ? std::nullopt : all[i - 1].ends_at);
        }
    }

    void look_at_cycle(const InCycle& tranche, std::optional<core::UtcTime> last_ends_at) {
        const GrantTerms& grant = tranche.grant;
        const std::string what = "tranche " + tranche_name(tranche.id) +
                                 " doesn't start and end as a cycle of grant " + grant_name(grant.id);
        if (!tranche.ends_at || !core::parse_date(grant.anchor)) return differ(what);
        std::int64_t apart = core::day_ms;
        for (const std::int64_t later_ms : {std::int64_t{0}, core::day_ms}) {
            const auto cycle = cycle_of(grant.zone, grant.anchor, tranche.starts_at + later_ms);
            if (!cycle) return compared_.findings.push_back(what + ": " + cycle.error().detail);
            apart = std::min(apart, apart_ms(tranche, *cycle, last_ends_at));
        }
        if (apart == 0) return;
        if (apart >= core::day_ms || grant.zone == "UTC") return differ(what);
        compared_.findings.push_back(what + ": the rules of " + grant.zone + " have changed, or it was");
    }

    // Of what is paid as it is used. The price that was set last is the latest, unless the clock was set.
    void look_at_prices() {
        database_.each(
            "SELECT r.key, EXISTS (SELECT 1 FROM price WHERE resource = r.key AND price.price = r.price), "
            "coalesce((SELECT price.price FROM price WHERE resource = r.key ORDER BY since DESC LIMIT 1) = "
            "r.price, FALSE), coalesce(r.currency = (SELECT currency FROM team WHERE key = ?1), FALSE) FROM "
            "resource AS r WHERE r.key IN (SELECT resource FROM grant_ WHERE team = ?1 AND tier = 'payg') "
            "ORDER BY r.key",
            [&](auto& row) {
                const std::string what = "resource " + row.string(0) + ": its price is";
                if (row.integer(1) == 0) {
                    differ(what + " none of those that are kept of it");
                } else if (row.integer(2) == 0) {
                    compared_.findings.push_back(
                        what +
                        "n't the latest that is kept: a clock of the account was set, or it was changed");
                }
                if (row.integer(3) == 0) differ(what + "n't in the team's currency");
            },
            team_);
        database_.each(
            "SELECT id, resource FROM grant_ AS g WHERE team = ? AND price IS NOT NULL AND NOT EXISTS "
            "(SELECT 1 "
            "FROM price AS p WHERE p.resource = g.resource AND (p.price = g.price OR p.since = "
            "g.created_at)) ORDER BY id",
            [&](auto& row) {
                differ("grant " + grant_name(row.integer(0)) + ": the price that " + row.string(1) +
                       " had when it was made isn't kept");
            },
            team_);
    }

    Database& database_;
    const std::string& team_;
    TermsCompared compared_;
};

}  // namespace

TermsCompared compare_terms(Database& database, const std::string& team) {
    return Terms(database, team).run();
}

}  // namespace meterbox::account
