// Sums by the database, comparisons here.
#include "account/audit.hpp"

#include <boost/json.hpp>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "account/adjustment.hpp"
#include "account/agents.hpp"
#include "account/audit_invoices.hpp"
#include "account/learning.hpp"
#include "account/tranche.hpp"

namespace meterbox::account {

namespace {

struct Places {
    std::int64_t purchased = 0;  // what came in from outside, less what went back
    std::int64_t available = 0;
    std::int64_t leased = 0;
    std::int64_t charged = 0;
    std::int64_t in_doubt = 0;
    std::int64_t expired = 0;
};

using HoldingKey = std::tuple<std::int64_t, std::string, std::int64_t>;  // tranche, agent, incarnation
struct HoldingSums {
    std::int64_t granted = 0;
    std::int64_t used = 0;
    std::int64_t returned = 0;
};

class Audit {
public:
    Audit(Database& database, const std::string& team)
        : database_(database), team_(team), learned_(!list_incidents(database, team).empty()) {}

    AuditReport run() {
        add_up_ledger();
        compare_tranches();
        compare_pools();
        compare_holdings();
        compare_team();
        for (const std::string& text : invoice_differences(database_, team_)) differ(text);
        look_at_agents();
        if (database_.failed()) differ("the store can't be read: " + database_.error().detail);
        return std::move(report_);
    }

private:
    void differ(std::string text) { report_.differences.push_back(std::move(text)); }
    void find(std::string text) { report_.findings.push_back(std::move(text)); }
    void compare(const std::string& what, std::int64_t stored, std::int64_t computed) {
        if (stored == computed) return;
        differ(what + " is " + std::to_string(stored) + ", by the ledger " + std::to_string(computed));
    }

    static void move(Places& places, std::string_view place, std::int64_t units) {
        if (place == "purchase") places.purchased -= units;
        if (place == "available") places.available += units;
        if (place == "leased") places.leased += units;
        if (place == "charged") places.charged += units;
        if (place == "in_doubt") places.in_doubt += units;
        if (place == "expired") places.expired += units;
    }

    void add_up_ledger() {
        database_.each(
            "SELECT tranche, from_, to_, reason, coalesce(agent, ''), coalesce(incarnation, 0), sum(units), "
            "count(*) FROM ledger WHERE tranche IN (SELECT id FROM tranche WHERE team = ?) "
            "GROUP BY 1, 2, 3, 4, 5, 6",
            [&](auto& row) {
                const auto from = row.text(1);
                const auto to = row.text(2);
                const std::int64_t units = row.integer(6);
                report_.entries += row.integer(7);
                Places& places = places_[row.integer(0)];
                if (from == "charged" && is_adjustment(row.text(3))) adjusted_[row.integer(0)] += units;
                move(places, from, -units);
                move(places, to, units);
                HoldingSums& sums = holdings_[{row.integer(0), row.string(4), row.integer(5)}];
                if (to == "leased") {  // what was taken for lost comes back to the lease that it was of
                    if (row.text(3) == "heard again")
                        sums.returned -= units;
                    else
                        sums.granted += units;
                }
                if (from != "leased") return;
                // A unit booked to an earlier tier was used all the same, and its slot came free.
                const bool used = to == "charged" || row.text(3) == "draw order";
                (used ? sums.used : sums.returned) += units;
            },
            team_);
    }

    void compare_tranches() {
        database_.each(
            "SELECT id, purchased, available, charged, in_doubt, expired, leased, (SELECT "
            "coalesce(sum(held), 0) "
            "FROM doubt WHERE tranche = tranche.id), resource FROM tranche WHERE team = ?",
            [&](auto& row) {
                ++report_.tranches;
                const std::string name = "tranche " + tranche_name(row.integer(0)) + ": ";
                const Places& places = places_[row.integer(0)];
                if (!row.is_null(1)) compare(name + "purchased", row.integer(1), places.purchased);
                compare(name + "available", row.integer(2), places.available);
                compare(name + "charged", row.integer(3), places.charged);
                compare(name + "in doubt", row.integer(4), places.in_doubt);
                compare(name + "expired", row.integer(5), places.expired);
                compare(name + "leased", row.integer(6), places.leased);
                const std::int64_t sum =
                    row.integer(2) + row.integer(3) + row.integer(4) + row.integer(5) + row.integer(6);
                if (!row.is_null(1) && sum != row.integer(1)) {
                    differ(name + "its places add up to " + std::to_string(sum) + ", but " +
                           std::to_string(row.integer(1)) + " were purchased");
                }
                check_sign(name, places);
                adjusted_by_resource_[row.string(8)] += adjusted_[row.integer(0)];
                const bool tokens = row.text(8).empty();  // those are compared with the units out of them
                if (!tokens) compare(name + "in doubt by agents", row.integer(7), row.integer(4));
            },
            team_);
    }

    void check_sign(const std::string& name, const Places& places) {
        if (places.available < 0 && learned_) {
            find(name + std::to_string(-places.available) +
                 " units more are leased and charged than there are: some were granted twice");
        }
        if ((places.available < 0 && !learned_) || places.charged < 0 || places.in_doubt < 0 ||
            places.expired < 0 || places.leased < 0) {
            differ(name + "a place is below 0 by the ledger");
        }
    }

    // A pool's tokens are where the units out of it are.
    void compare_pools() {
        database_.each(
            "SELECT p.id, p.leased, p.charged, p.in_doubt, coalesce(sum(t.leased * t.rate), 0), "
            "coalesce(sum(t.charged * t.rate), 0), coalesce(sum(t.in_doubt * t.rate), 0) FROM tranche AS p "
            "LEFT JOIN tranche AS t ON t.pool = p.id WHERE p.team = ? AND p.resource = '' GROUP BY p.id",
            [&](auto& row) {
                pools_.insert(row.integer(0));
                static constexpr const char* places[] = {"leased", "charged", "in doubt"};
                for (int i = 0; i < 3; ++i) {
                    if (row.integer(1 + i) == row.integer(4 + i)) continue;
                    differ("pool " + tranche_name(row.integer(0)) + ": tokens " + places[i] + " are " +
                           std::to_string(row.integer(1 + i)) + ", by the units out of it " +
                           std::to_string(row.integer(4 + i)));
                }
            },
            team_);
    }

    void compare_holdings() {
        database_.each(
            "SELECT holding.tranche, holding.agent, holding.incarnation, granted, used, returned, in_hours, "
            "(SELECT coalesce(sum(units), 0) FROM unit_hour WHERE unit_hour.agent = holding.agent AND "
            "unit_hour.incarnation = holding.incarnation AND unit_hour.tranche = holding.tranche) "
            "FROM holding WHERE tranche IN (SELECT id FROM tranche WHERE team = ?)",
            [&](auto& row) {
                ++report_.holdings;
                const HoldingKey key{row.integer(0), row.string(1), row.integer(2)};
                const std::string name =
                    "agent " + row.string(1) + ", tranche " + tranche_name(row.integer(0)) + ": ";
                const HoldingSums sums = holdings_[key];
                holdings_.erase(key);
                compare(name + "granted", row.integer(3), sums.granted);
                compare(name + "used", row.integer(4), sums.used);
                compare(name + "returned", row.integer(5), sums.returned);
                if (row.integer(6) != row.integer(7) || row.integer(7) > row.integer(4)) {
                    differ(name + std::to_string(row.integer(7)) + " units by hour, " +
                           std::to_string(row.integer(6)) + " expected, of " +
                           std::to_string(row.integer(4)) + " used");
                } else if (row.integer(7) < row.integer(4)) {
                    find(name + std::to_string(row.integer(4) - row.integer(7)) +
                         " units used, in hours not yet reported");
                }
            },
            team_);
        for (const auto& [key, sums] : holdings_) {
            if (sums.granted == 0 && sums.used == 0 && sums.returned == 0) continue;  // no lease's move
            if (pools_.contains(std::get<0>(key))) continue;                          // held as units
            differ("agent " + std::get<1>(key) + ", tranche " + tranche_name(std::get<0>(key)) +
                   ": in the ledger, but not among the holdings");
        }
    }

    void compare_team() {
        // Each unit used is charged once, whichever tier it was booked to, but for what was given back; and
        // those written off as used.
        database_.each(
            "SELECT resource, sum(charged), (SELECT coalesce(sum(used), 0) FROM holding JOIN tranche AS t "
            "ON t.id = holding.tranche WHERE t.team = ?1 AND t.resource = tranche.resource), "
            "(SELECT coalesce(sum(counted), 0) FROM doubt JOIN tranche AS t ON t.id = doubt.tranche "
            "WHERE t.team = ?1 AND t.resource = tranche.resource) FROM tranche WHERE team = ?1 AND "
            "resource <> '' GROUP BY resource",
            [&](auto& row) {
                const std::int64_t adjusted = adjusted_by_resource_[row.string(0)];
                if (row.integer(1) + adjusted == row.integer(2) + row.integer(3)) return;
                differ("resource " + row.string(0) + ": " + std::to_string(row.integer(1)) +
                       " units charged and " + std::to_string(adjusted) + " given back, " +
                       std::to_string(row.integer(2)) + " used and " + std::to_string(row.integer(3)) +
                       " written off as used");
            },
            team_);
        database_.each(
            "SELECT resource, sum(agent_resource.remainder), sum(agent_resource.overage_units), "
            "(SELECT remainder FROM team_resource WHERE team = ?1 AND resource = agent_resource.resource), "
            "(SELECT overage_units FROM team_resource WHERE team = ?1 AND resource = "
            "agent_resource.resource) "
            "FROM agent_resource JOIN agent ON agent.id = agent_resource.agent WHERE agent.team = ?1 "
            "GROUP BY resource",
            [&](auto& row) {
                if (row.integer(1) == row.integer(3) && row.integer(2) == row.integer(4)) return;
                differ("resource " + row.string(0) + ": the team's remainder or overage isn't its agents'");
            },
            team_);
    }

    void look_at_agents() {
        database_.each(
            "SELECT a.agent, a.resource, a.metered, a.remainder, a.overage_units, resource.unit_size, "
            "(SELECT coalesce(sum(used), 0) FROM holding JOIN tranche ON tranche.id = holding.tranche WHERE "
            "holding.agent = a.agent AND holding.incarnation = a.incarnation AND tranche.resource = "
            "a.resource) + (SELECT coalesce(sum(overage_units), 0) FROM handed_over WHERE handed_over.agent "
            "= "
            "a.agent AND handed_over.incarnation = a.incarnation AND handed_over.resource = a.resource) "
            "FROM agent_resource AS a JOIN agent ON agent.id = a.agent "
            "JOIN resource ON resource.key = a.resource WHERE agent.team = ?",
            [&](auto& row) {
                const std::int64_t completed = row.integer(2) / row.integer(5);
                if (completed == row.integer(4) + row.integer(6)) return;
                find("agent " + row.string(0) + ", resource " + row.string(1) + ": metered " +
                     std::to_string(completed) + " units, but used " + std::to_string(row.integer(6)) +
                     " and " + std::to_string(row.integer(4)) + " in overage");
            },
            team_);
        look_at_fences();
        for (const Evidence& evidence : list_evidence(database_, team_)) {
            find("agent " + evidence.agent + ": refused " + std::to_string(evidence.times) +
                 " times, last at " + core::format_rfc3339(evidence.last_at) + ": " + evidence.detail);
        }
    }

    void look_at_fences() {
        for (const Incident& incident : list_incidents(database_, team_))
            find("at " + core::format_rfc3339(incident.at) + " " + incident.detail);
        database_.each(
            "SELECT agent, number, ended_at, (SELECT coalesce(sum(held), 0) FROM doubt WHERE doubt.agent = "
            "incarnation.agent AND doubt.incarnation = number) FROM incarnation JOIN agent ON agent.id = "
            "incarnation.agent WHERE agent.team = ? ORDER BY ended_at",
            [&](auto& row) {
                find("agent " + row.string(0) + ": its incarnation " + std::to_string(row.integer(1)) +
                     " was fenced at " + core::format_rfc3339({row.integer(2)}) + ", " +
                     std::to_string(row.integer(3)) + " units of it are in doubt");
            },
            team_);
        for (const Agent& agent : list_agents(database_, team_)) {
            if (agent.waits_since)
                find("agent " + agent.id + ": fenced again at " + core::format_rfc3339(*agent.waits_since) +
                     ", it waits for: meterbox-account agent allow " + agent.id);
            if (agent.learning && agent.state == "active")
                find("agent " + agent.id + ": its word is awaited; until then the team gets no new units");
            if (agent.written_off_at)
                find("agent " + agent.id + ": written off at " + core::format_rfc3339(*agent.written_off_at) +
                     ", and not heard of since");
        }
    }

    Database& database_;
    std::string team_;
    bool learned_;  // it was older than what it said: more may be leased of a tranche than there is
    AuditReport report_;
    std::map<std::int64_t, Places> places_;
    std::map<HoldingKey, HoldingSums> holdings_;
    std::map<std::int64_t, std::int64_t> adjusted_;  // units given back, by tranche
    std::map<std::string, std::int64_t> adjusted_by_resource_;
    std::set<std::int64_t> pools_;  // of tokens
};

boost::json::array array_of(const std::vector<std::string>& lines) {
    boost::json::array array;
    for (const std::string& line : lines) array.emplace_back(line);
    return array;
}

}  // namespace

AuditReport audit(Database& database, const std::string& team) {
    return Audit(database, team).run();
}

boost::json::object audit_to_json(const std::string& team, const AuditReport& report) {
    boost::json::object json;
    json["team"] = team;
    json["ok"] = report.ok();
    json["checked"] = {
        {"tranches", report.tranches}, {"holdings", report.holdings}, {"entries", report.entries}};
    json["differences"] = array_of(report.differences);
    json["findings"] = array_of(report.findings);
    return json;
}

}  // namespace meterbox::account
