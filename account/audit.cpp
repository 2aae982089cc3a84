// Four rounds: units by hour, final invoices, usage by hour, and then the ledger with all that is compared
// with it.
#include "account/audit.hpp"

#include <boost/json.hpp>
#include <map>
#include <optional>
#include <set>

#include "account/audit_findings.hpp"
#include "account/audit_invoices.hpp"
#include "account/audit_rows.hpp"
#include "account/audit_sums.hpp"
#include "account/audit_terms.hpp"
#include "account/audit_usage.hpp"
#include "account/commands.hpp"
#include "account/learning.hpp"
#include "account/team_sums.hpp"
#include "account/tranche.hpp"

namespace meterbox::account {

namespace {

std::string name_of_holding(const std::string& agent, std::int64_t tranche) {
    return "agent " + agent + ", tranche " + tranche_name(tranche) + ": ";
}

}  // namespace

// Of each lease: its units by hour and their sum, which are written together.
class Audit::Hours {
public:
    Hours(const std::string& team, AuditReport& report) : team_(team), report_(report) {}

    bool go_on(Database& database, const std::function<bool()>& over) {
        if (!begun_) begin(database);
        while (next_ < tranches_.size() && !database.failed()) {
            if (!read_one(database)) {
                ++next_;
                after_ = {};
            }
            if (over()) return true;
        }
        return false;
    }

private:
    void begin(Database& database) {
        begun_ = true;
        database.each(
            "SELECT id FROM tranche WHERE team = ?", [&](auto& row) { tranches_.push_back(row.integer(0)); },
            team_);
    }

    bool read_one(Database& database) {
        const std::int64_t tranche = tranches_[next_];
        bool found = false;
        database.each(
            "SELECT agent, incarnation, used, in_hours, (SELECT coalesce(sum(units), 0) FROM unit_hour WHERE "
            "unit_hour.agent = holding.agent AND unit_hour.incarnation = holding.incarnation AND "
            "unit_hour.tranche = holding.tranche) FROM holding WHERE tranche = ? AND (agent, incarnation) > "
            "(?, ?) ORDER BY agent, incarnation LIMIT 1",
            [&](auto& row) {
                found = true;
                after_ = {row.string(0), row.integer(1)};
                look(name_of_holding(row.string(0), tranche), row.integer(2), row.integer(3), row.integer(4));
            },
            tranche, after_.first, after_.second);
        return found;
    }

    void look(const std::string& name, std::int64_t used, std::int64_t expected, std::int64_t by_hour) {
        if (expected != by_hour || by_hour > used) {
            report_.differences.push_back(name + std::to_string(by_hour) + " units by hour, " +
                                          std::to_string(expected) + " expected, of " + std::to_string(used) +
                                          " used");
        } else if (by_hour < used) {
            report_.findings.push_back(name + std::to_string(used - by_hour) +
                                       " units used, in hours not yet reported");
        }
    }

    std::string team_;
    AuditReport& report_;
    bool begun_ = false;
    std::vector<std::int64_t> tranches_;
    std::size_t next_ = 0;
    std::pair<std::string, std::int64_t> after_;  // agent, incarnation
};

// The tables beside the ledger's sums, all of one moment.
class Audit::Comparison {
public:
    Comparison(Database& database, const std::string& team, LedgerSums& sums, AuditReport& report)
        : database_(database),
          team_(team),
          sums_(sums),
          report_(report),
          learned_(!list_incidents(database, team).empty()) {}

    void run() {
        report_.entries = sums_.entries;
        compare_tranches();
        compare_grants();
        compare_pools();
        compare_holdings();
        compare_team();
    }

private:
    void differ(std::string text) { report_.differences.push_back(std::move(text)); }
    void compare(const std::string& what, std::int64_t stored, std::int64_t computed) {
        if (stored == computed) return;
        differ(what + " is " + std::to_string(stored) + ", by the ledger " + std::to_string(computed));
    }

    void compare_tranches() {
        database_.each(
            "SELECT id, purchased, available, charged, in_doubt, expired, leased, (SELECT "
            "coalesce(sum(held), 0) "
            "FROM doubt WHERE tranche = tranche.id), resource FROM tranche WHERE team = ?",
            [&](auto& row) {
                ++report_.tranches;
                const std::string name = "tranche " + tranche_name(row.integer(0)) + ": ";
                const PlaceSums& places = sums_.places[row.integer(0)];
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
                adjusted_by_resource_[row.string(8)] += sums_.adjusted[row.integer(0)];
                const bool tokens = row.text(8).empty();  // those are compared with the units out of them
                if (!tokens) compare(name + "in doubt by agents", row.integer(7), row.integer(4));
            },
            team_);
    }

    // Each cycle's tranche was bought as large as its grant, which never changes.
    void compare_grants() {
        database_.each(
            "SELECT t.id, g.id, coalesce(t.purchased, 0), coalesce(g.amount, g.tokens, 0) FROM tranche AS t "
            "JOIN grant_ AS g ON g.id = t.grant_id WHERE t.team = ? AND t.pool IS NULL AND "
            "coalesce(t.purchased, 0) <> coalesce(g.amount, g.tokens, 0)",
            [&](auto& row) {
                differ("grant " + grant_name(row.integer(1)) + ": its amount is " +
                       std::to_string(row.integer(3)) + ", but tranche " + tranche_name(row.integer(0)) +
                       " was bought with " + std::to_string(row.integer(2)));
            },
            team_);
    }

    void check_sign(const std::string& name, const PlaceSums& places) {
        if (places.available < 0 && learned_) {
            report_.findings.push_back(
                name + std::to_string(-places.available) +
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
            "SELECT tranche, agent, incarnation, granted, used, returned FROM holding WHERE tranche IN "
            "(SELECT "
            "id FROM tranche WHERE team = ?)",
            [&](auto& row) {
                ++report_.holdings;
                const HoldingKey key{row.integer(0), row.string(1), row.integer(2)};
                const std::string name = name_of_holding(row.string(1), row.integer(0));
                const HoldingSums sums = sums_.holdings[key];
                sums_.holdings.erase(key);
                compare(name + "granted", row.integer(3), sums.granted);
                compare(name + "used", row.integer(4), sums.used);
                compare(name + "returned", row.integer(5), sums.returned);
            },
            team_);
        for (const auto& [key, sums] : sums_.holdings) {
            if (sums.granted == 0 && sums.used == 0 && sums.returned == 0) continue;  // no lease's move
            if (pools_.contains(std::get<0>(key))) continue;                          // held as units
            differ(name_of_holding(std::get<1>(key), std::get<0>(key)) +
                   "in the ledger, but not among the holdings");
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
        const auto added_up = add_up(database_, team_);
        std::map<std::string, PoolTotals> kept;
        database_.each(
            "SELECT resource, remainder, overage_units FROM team_resource WHERE team = ?",
            [&](auto& row) {
                kept[row.string(0)] = {core::Amount{row.integer(1)}, core::Units{row.integer(2)}};
            },
            team_);
        for (const auto& [resource, sums] : added_up) {
            const PoolTotals& there = kept[resource];
            if (sums.remainder == there.remainder && sums.overage_units == there.overage_units) continue;
            differ("resource " + resource + ": the team's remainder or overage isn't its agents'");
        }
    }

    Database& database_;
    const std::string& team_;
    LedgerSums& sums_;
    AuditReport& report_;
    bool learned_;  // it was older than what it said: more may be leased of a tranche than there is
    std::map<std::string, std::int64_t> adjusted_by_resource_;
    std::set<std::int64_t> pools_;  // of tokens
};

Audit::Audit(std::string team, std::int64_t page_rows)
    : team_(std::move(team)),
      hours_(std::make_unique<Hours>(team_, report_)),
      sums_(std::make_unique<LedgerSums>(team_, page_rows)) {}

Audit::~Audit() = default;

bool Audit::go_on(Database& database, core::UtcTime now, const std::function<bool()>& over) {
    if (!hours_done_) {
        if (hours_->go_on(database, over)) return true;
        hours_done_ = true;
    }
    if (!invoices_done_) {
        if (look_at_invoices(database, over)) return true;
        invoices_done_ = true;
    }
    if (!usage_done_) {
        if (look_at_usage(database, over)) return true;
        usage_done_ = true;
    }
    if (sums_->add_up(database, over)) return true;
    Comparison(database, team_, *sums_, report_).run();
    EntryChecks& checks = sums_->checks;
    checks.look_ahead(now);
    for (std::string& text : checks.differences) report_.differences.push_back(std::move(text));
    for (std::string& text : checks.findings) report_.findings.push_back(std::move(text));
    for (std::string& text : row_differences(database, team_, std::max(now, checks.latest())))
        report_.differences.push_back(std::move(text));
    TermsCompared terms = compare_terms(database, team_);
    for (std::string& text : terms.differences) report_.differences.push_back(std::move(text));
    for (std::string& text : terms.findings) report_.findings.push_back(std::move(text));
    for (std::string& text : counter_differences(database, team_))
        (list_incidents(database, team_).empty() ? report_.differences : report_.findings)
            .push_back(std::move(text));
    for (std::string& text : audit_findings(database, team_)) report_.findings.push_back(std::move(text));
    if (database.failed())
        report_.differences.push_back("the store can't be read: " + database.error().detail);
    return false;
}

// Neither a final invoice nor the entries that are its own ever change: each is looked at by itself.
bool Audit::look_at_invoices(Database& database, const std::function<bool()>& over) {
    while (const auto difference = invoice_difference(database, team_, next_invoice_)) {
        if (!difference->empty()) report_.differences.push_back(*difference);
        ++next_invoice_;
        if (over()) return true;
    }
    return false;
}

bool Audit::look_at_usage(Database& database, const std::function<bool()>& over) {
    while (const auto agent = next_agent(database, team_, last_agent_)) {
        for (std::string& text : usage_findings(database, *agent))
            report_.findings.push_back(std::move(text));
        for (std::string& text : usage_differences(database, *agent))
            report_.differences.push_back(std::move(text));
        last_agent_ = agent->id;
        if (over()) return true;
    }
    return false;
}

namespace {

boost::json::array array_of(const std::vector<std::string>& lines) {
    boost::json::array array;
    for (const std::string& line : lines) array.emplace_back(line);
    return array;
}

}  // namespace

AuditReport audit(Database& database, const std::string& team, core::UtcTime now) {
    Audit whole(team);
    while (whole.go_on(database, now, [] { return false; })) {
    }
    return whole.report();
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
