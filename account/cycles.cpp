// From grants to tranches.
#include "account/cycles.hpp"

#include <algorithm>
#include <set>

#include "account/tranche.hpp"
#include "core/limits.hpp"
#include "platform/zones/time_zone.hpp"

namespace meterbox::account {

namespace {

// A grant with cycles, and how far its tranches reach.
struct Reach {
    GrantTerms grant;
    std::optional<core::UtcTime> last_starts_at;
    std::optional<core::UtcTime> last_ends_at;
};

Reach reach_of(platform::sql::Row& row, const std::string& team) {
    Reach reach;
    reach.grant = {row.integer(0),   team,         row.string(1), row.string(2), row.optional_integer(3),
                   {row.integer(4)}, std::nullopt, row.string(6), row.string(7)};
    if (!row.is_null(5)) reach.grant.ends_at = core::UtcTime{row.integer(5)};
    if (!row.is_null(8)) reach.last_starts_at = core::UtcTime{row.integer(8)};
    if (!row.is_null(9)) reach.last_ends_at = core::UtcTime{row.integer(9)};
    return reach;
}

// Whether its tranches go beyond the present cycle, or to its end.
bool is_complete(const Reach& reach, core::UtcTime now) {
    if (!reach.last_starts_at) return false;
    if (*reach.last_starts_at > now || !reach.last_ends_at) return true;
    return reach.grant.ends_at && *reach.last_ends_at >= *reach.grant.ends_at;
}

// Asked with this in place of the time itself, many syncs ask the same; the rest is sorted out afterwards.
core::UtcTime hour_start(core::UtcTime time) {
    return core::start_of(core::hour_of(time));
}

std::optional<core::UtcTime> earlier(core::UtcTime a, std::optional<core::UtcTime> b) {
    return b ? std::min(a, *b) : a;
}

// The cycle's part that the grant covers and no tranche yet. Zones change their minds: a boundary that has
// moved by hours since the last tranche was made must not begin a cycle of its own.
core::Result<core::Cycle> uncovered(const Reach& reach, core::UtcTime time) {
    const GrantTerms& grant = reach.grant;
    auto cycle = cycle_of(grant.zone, grant.anchor, time);
    if (!cycle) return cycle;
    if (reach.last_ends_at && cycle->to - *reach.last_ends_at < core::day_ms)
        cycle = cycle_of(grant.zone, grant.anchor, cycle->to);
    if (!cycle) return cycle;
    cycle->from = std::max({cycle->from, grant.starts_at, reach.last_ends_at.value_or(grant.starts_at)});
    return cycle;
}

core::Result<void> extend(Database& database, Ledger& ledger, Reach reach) {
    const GrantTerms& grant = reach.grant;
    const core::UtcTime present = std::max(ledger.now(), grant.starts_at);
    while (!is_complete(reach, ledger.now())) {
        const auto cycle = uncovered(reach, std::max(present, reach.last_ends_at.value_or(present)));
        if (!cycle) return cycle.error();
        const auto to = earlier(cycle->to, grant.ends_at);
        make_tranche(database, ledger, grant, cycle->from, to);
        reach.last_starts_at = cycle->from;
        reach.last_ends_at = to;
    }
    return {};
}

}  // namespace

core::Result<core::Cycle> cycle_of(const std::string& zone, const std::string& anchor, core::UtcTime time) {
    const auto calendar = platform::zones::TimeZone::find(zone);
    if (!calendar) return calendar.error();
    const auto date = core::parse_date(anchor);
    METERBOX_ASSERT(date);
    return core::cycle_at(*date, *calendar, time);
}

void make_tranche(Database& database, Ledger& ledger, const GrantTerms& grant, core::UtcTime from,
                  std::optional<core::UtcTime> to) {
    Tranche tranche;
    tranche.id = database.number(
        "INSERT INTO tranche (id, grant_id, team, resource, tier, purchased, available, charged, in_doubt, "
        "expired, leased, starts_at, ends_at, ended) VALUES (1 + ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, 0, ?, ?, 0) "
        "RETURNING id",
        database.tranche_numbers().last(database), grant.id, grant.team, grant.resource, grant.tier,
        grant.amount, grant.amount.value_or(0), from, to);
    if (grant.amount) tranche.purchased = core::Units{*grant.amount};
    ledger.purchase(tranche);
}

core::Result<bool> make_cycles(Database& database, Ledger& ledger, const std::string& team) {
    std::vector<Reach> missing;
    database.each(
        "SELECT g.id, coalesce(g.resource, ''), g.tier, coalesce(g.amount, g.tokens), g.starts_at, "
        "g.ends_at, "
        "g.zone, g.anchor, max(t.starts_at), CASE WHEN count(t.id) = count(t.ends_at) THEN max(t.ends_at) "
        "END FROM grant_ AS g "
        "LEFT JOIN tranche AS t ON t.grant_id = g.id WHERE g.team = ?1 AND g.anchor IS NOT NULL AND "
        "g.ended_at IS NULL AND (g.ends_at IS NULL OR g.ends_at > ?2) GROUP BY g.id",
        [&](auto& row) {
            Reach reach = reach_of(row, team);
            if (reach.grant.ends_at && *reach.grant.ends_at <= ledger.now()) return;
            if (!is_complete(reach, ledger.now())) missing.push_back(std::move(reach));
        },
        team, hour_start(ledger.now()));
    for (Reach& reach : missing) {
        if (const auto extended = extend(database, ledger, std::move(reach)); !extended)
            return extended.error();
    }
    return !missing.empty();
}

#define RATE "CASE p.tier WHEN 'flex' THEN r.rate_flex ELSE r.rate_token_flex END"

#define UNITS_MISSING                                                                                  \
    "FROM tranche AS p CROSS JOIN resource AS r WHERE p.team = ? AND p.ended = 0 AND p.resource = '' " \
    "AND " RATE                                                                                        \
    " IS NOT NULL AND NOT EXISTS "                                                                     \
    "(SELECT 1 FROM tranche AS t WHERE t.pool = p.id AND t.resource = r.key)"

bool make_units_of_pools(Database& database, const std::string& team) {
    if (database.number("SELECT EXISTS (SELECT 1 " UNITS_MISSING ")", team) == 0) return false;
    return database.changed_by(
               "INSERT INTO tranche (id, grant_id, team, resource, tier, pool, rate, purchased, available, "
               "charged, in_doubt, expired, leased, starts_at, ends_at, ended) "
               "SELECT ? + row_number() OVER (ORDER BY p.id, r.key), p.grant_id, p.team, r.key, p.tier, "
               "p.id, " RATE ", 0, 0, 0, 0, 0, 0, p.starts_at, p.ends_at, 0 " UNITS_MISSING
               " ORDER BY p.id, r.key",
               database.tranche_numbers().last(database), team) > 0;
}

core::Result<std::vector<core::UtcTime>> next_boundaries(Database& database, const std::string& team,
                                                         core::UtcTime now) {
    struct Anchor {
        std::string zone;
        std::string date;
        core::UtcTime ends_at;  // of the last grant with it
    };
    std::vector<Anchor> anchors;
    database.each(
        "SELECT zone, anchor, max(coalesce(ends_at, 9223372036854775807)) FROM grant_ WHERE team = ?1 AND "
        "anchor IS NOT NULL AND ended_at IS NULL AND (ends_at IS NULL OR ends_at > ?2) GROUP BY 1, 2",
        [&](auto& row) {
            anchors.push_back({row.string(0), row.string(1), {row.integer(2)}});
        },
        team, hour_start(now));
    std::set<core::UtcTime> boundaries;
    for (const Anchor& anchor : anchors) {
        core::UtcTime at = now;
        if (now >= anchor.ends_at) continue;
        for (std::size_t i = 0; i < core::limits::cycle_boundaries_max; ++i) {
            const auto cycle = cycle_of(anchor.zone, anchor.date, at);
            if (!cycle) return cycle.error();
            at = cycle->to;
            if (at >= anchor.ends_at) break;
            boundaries.insert(at);
        }
    }
    std::vector<core::UtcTime> next(boundaries.begin(), boundaries.end());
    if (next.size() > core::limits::cycle_boundaries_max) next.resize(core::limits::cycle_boundaries_max);
    return next;
}

}  // namespace meterbox::account
