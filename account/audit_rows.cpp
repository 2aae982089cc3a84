#include "account/audit_rows.hpp"

#include <optional>

#include "account/billing.hpp"
#include "account/tranche.hpp"

namespace meterbox::account {

namespace {

class Rows {
public:
    Rows(Database& database, const std::string& team, core::UtcTime now)
        : database_(database), team_(team), now_(now) {}

    std::vector<std::string> run() {
        look_for_tranches();
        look_for_grants();
        look_for_resources();
        look_for_ends();
        look_for_agents();
        look_for_invoices();
        look_for_currencies();
        return std::move(differences_);
    }

private:
    void differ(std::string text) { differences_.push_back(std::move(text)); }

    // Whose it was isn't known any more: every team hears of it. From one to the next, so that a long ledger
    // costs nothing.
    void look_for_tranches() {
        const auto after = [&](std::int64_t tranche) {
            return database_.first(
                "SELECT tranche, EXISTS (SELECT 1 FROM tranche WHERE id = ledger.tranche) FROM ledger WHERE "
                "tranche > ? ORDER BY tranche LIMIT 1",
                [](auto& row) { return std::pair(row.integer(0), row.integer(1) != 0); }, tranche);
        };
        std::int64_t last = 0;
        while (const auto next = after(last)) {
            last = next->first;
            if (!next->second) differ("tranche " + tranche_name(last) + " is in the ledger, and has no row");
        }
    }

    void look_for_grants() {
        database_.each(
            "SELECT id FROM tranche WHERE team = ? AND NOT EXISTS (SELECT 1 FROM grant_ WHERE grant_.id = "
            "tranche.grant_id)",
            [&](auto& row) {
                differ("the grant of tranche " + tranche_name(row.integer(0)) + " has no row");
            },
            team_);
    }

    void look_for_resources() {
        database_.each(
            "SELECT resource FROM (SELECT resource FROM tranche WHERE team = ?1 UNION SELECT "
            "agent_resource.resource FROM agent_resource JOIN agent ON agent.id = agent_resource.agent WHERE "
            "agent.team = ?1) AS named WHERE resource <> '' AND NOT EXISTS (SELECT 1 FROM resource AS kept "
            "WHERE kept.key = named.resource) ORDER BY resource",
            [&](auto& row) {
                differ("resource " + row.string(0) + " is granted or was metered, and has no row");
            },
            team_);
    }

    void look_for_ends() {
        database_.each(
            "SELECT t.id, t.ends_at FROM tranche AS t JOIN grant_ AS g ON g.id = t.grant_id WHERE "
            "t.team = ?1 AND t.ended = 1 AND g.ended_at IS NULL AND (t.ends_at IS NULL OR t.ends_at > ?2)",
            [&](auto& row) {
                const std::string name = "tranche " + tranche_name(row.integer(0)) + " has ended, but ";
                differ(name +
                       (row.is_null(1) ? "never ends" : "ends at " + core::format_rfc3339({row.integer(1)})));
            },
            team_, now_);
        database_.each(
            "SELECT id, available FROM tranche WHERE team = ? AND ended = 1 AND available > 0",
            [&](auto& row) {
                differ("tranche " + tranche_name(row.integer(0)) + " has ended, but " +
                       std::to_string(row.integer(1)) + " of it are available");
            },
            team_);
        database_.each(
            "SELECT t.id FROM tranche AS t JOIN grant_ AS g ON g.id = t.grant_id WHERE t.team = ? AND "
            "g.anchor IS NULL AND (t.starts_at <> g.starts_at OR t.ends_at IS DISTINCT FROM g.ends_at)",
            [&](auto& row) {
                differ("tranche " + tranche_name(row.integer(0)) +
                       " doesn't start and end as its grant does");
            },
            team_);
    }

    void look_for_agents() {
        database_.each(
            "SELECT DISTINCT h.agent FROM holding AS h JOIN tranche AS t ON t.id = h.tranche WHERE t.team = "
            "?1 AND NOT EXISTS (SELECT 1 FROM agent WHERE id = h.agent AND agent.team = ?1) UNION "
            "SELECT agent FROM enrollment WHERE team = ?1 AND agent IS NOT NULL AND NOT EXISTS (SELECT 1 "
            "FROM agent WHERE id = enrollment.agent AND agent.team = ?1) ORDER BY 1",
            [&](auto& row) {
                differ("agent " + row.string(0) + " was the team's, and has no row that says so");
            },
            team_);
    }

    void look_for_currencies() {
        database_.each(
            "SELECT from_ FROM invoice JOIN team ON team.key = invoice.team WHERE invoice.team = ? AND "
            "invoice.currency IS DISTINCT FROM team.currency",
            [&](auto& row) {
                differ("invoice from " + core::format_rfc3339({row.integer(0)}) +
                       ": its currency isn't the team's");
            },
            team_);
    }

    // Each begins where the one before ends, and the open one where the last one does.
    void look_for_invoices() {
        const Billing billing = billing_of(database_, team_);
        if (!billing.payg_since || !billing.open_until) return;
        std::optional<core::UtcTime> to;
        for (const ClosedCycle& closed : all_closed(database_, team_)) {
            if (to ? closed.cycle.from != *to : closed.cycle.from > *billing.payg_since)
                differ("no invoice is kept of the cycle before " + core::format_rfc3339(closed.cycle.from));
            to = closed.cycle.to;
        }
        const auto open = billing.holding(*billing.open_until + -1);
        if (!open) return differ("the open cycle: " + open.error().detail);
        if (to ? open->from != *to : open->from > *billing.payg_since)
            differ("no invoice is kept of the cycle before " + core::format_rfc3339(open->from) +
                   ", which is closed");
    }

    Database& database_;
    const std::string& team_;
    core::UtcTime now_;
    std::vector<std::string> differences_;
};

}  // namespace

std::vector<std::string> row_differences(Database& database, const std::string& team, core::UtcTime now) {
    return Rows(database, team, now).run();
}

}  // namespace meterbox::account
