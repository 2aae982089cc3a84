// A kept invoice, computed anew from the entries that were its own.
#include "account/audit_invoices.hpp"

#include "account/billing.hpp"
#include "account/invoice.hpp"

namespace meterbox::account {

std::optional<std::string> invoice_difference(Database& database, const std::string& team,
                                              std::size_t place) {
    const std::vector<ClosedCycle> all = all_closed(database, team);
    if (place >= all.size()) return std::nullopt;
    const ClosedCycle& closed = all[place];
    const std::int64_t before = place == 0 ? 0 : all[place - 1].last_entry;
    const std::string name = "invoice from " + core::format_rfc3339(closed.cycle.from) + ": ";
    const Billing billing = billing_of(database, team);
    const auto kept = kept_lines(database, team, closed.cycle.from);
    for (const PriceRule rule : {PriceRule::of_cycle, PriceRule::of_grant, PriceRule::free_before}) {
        const auto lines = lines_of(database, team, billing, closed.cycle, {before, closed.last_entry}, rule);
        if (!lines) return name + lines.error().detail;
        if (*lines == kept) return "";
    }
    return name + "its lines aren't what the ledger says";
}

}  // namespace meterbox::account
