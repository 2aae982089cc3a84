#include "account/audit_rows.hpp"

#include <optional>

#include "account/billing.hpp"
#include "account/tranche.hpp"

namespace meterbox::account {

namespace {

class Missing {
public:
    Missing(Database& database, const std::string& team) : database_(database), team_(team) {}

    std::vector<std::string> run() {
        look_for_tranches();
        look_for_grants();
        look_for_invoices();
        return std::move(missing_);
    }

private:
    void miss(std::string text) { missing_.push_back(std::move(text)); }

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
            if (!next->second) miss("tranche " + tranche_name(last) + " is in the ledger, and has no row");
        }
    }

    void look_for_grants() {
        database_.each(
            "SELECT id FROM tranche WHERE team = ? AND NOT EXISTS (SELECT 1 FROM grant_ WHERE grant_.id = "
            "tranche.grant_id)",
            [&](auto& row) { miss("the grant of tranche " + tranche_name(row.integer(0)) + " has no row"); },
            team_);
        database_.each(
            "SELECT tranche.id FROM tranche JOIN grant_ ON grant_.id = tranche.grant_id WHERE "
            "tranche.team = ? AND ended = 1 AND tranche.ends_at IS NULL AND ended_at IS NULL",
            [&](auto& row) {
                miss("tranche " + tranche_name(row.integer(0)) + " has ended, but never ends");
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
                miss("no invoice is kept of the cycle before " + core::format_rfc3339(closed.cycle.from));
            to = closed.cycle.to;
        }
        const auto open = billing.holding(*billing.open_until + -1);
        if (!open) return miss("the open cycle: " + open.error().detail);
        if (to ? open->from != *to : open->from > *billing.payg_since)
            miss("no invoice is kept of the cycle before " + core::format_rfc3339(open->from) +
                 ", which is closed");
    }

    Database& database_;
    const std::string& team_;
    std::vector<std::string> missing_;
};

}  // namespace

std::vector<std::string> missing_rows(Database& database, const std::string& team) {
    return Missing(database, team).run();
}

}  // namespace meterbox::account
