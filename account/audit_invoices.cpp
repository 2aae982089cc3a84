// Each kept invoice, computed anew from the entries that were its own.
#include "account/audit_invoices.hpp"

#include "account/billing.hpp"
#include "account/invoice.hpp"

namespace meterbox::account {

std::vector<std::string> invoice_differences(Database& database, const std::string& team) {
    std::vector<std::string> differences;
    const Billing billing = billing_of(database, team);
    std::int64_t before = 0;
    for (const ClosedCycle& closed : all_closed(database, team)) {
        const std::string name = "invoice from " + core::format_rfc3339(closed.cycle.from) + ": ";
        const auto lines = lines_of(database, team, billing, closed.cycle, {before, closed.last_entry});
        if (!lines) {
            differences.push_back(name + lines.error().detail);
        } else if (*lines != kept_lines(database, team, closed.cycle.from)) {
            differences.push_back(name + "its lines aren't what the ledger says");
        }
        before = closed.last_entry;
    }
    return differences;
}

}  // namespace meterbox::account
