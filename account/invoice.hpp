// A team's invoice of one billing cycle (R12): the payg units charged in it, at the price that held when it
// began. One that is final is shown as it was kept (billing.hpp). One that is open is computed from the
// ledger: the units of its own tranches, and, on the first that is open, those that were charged to earlier
// cycles after theirs was final, named as late. Each entry of the ledger is on one invoice.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "account/billing.hpp"
#include "account/database.hpp"
#include "core/billing_cycle.hpp"
#include "core/error.hpp"

namespace meterbox::account {

struct InvoiceLine {
    std::string resource;
    std::int64_t units = 0;       // late ones included; below 0: given back
    std::int64_t late_units = 0;  // of earlier cycles
    std::int64_t unit_price = 0;  // minor units of the currency
    std::string reason;           // of an adjustment, which has a line of its own; otherwise empty
    std::optional<std::int64_t> amount() const;  // none: beyond 2^63 minor units
    friend bool operator==(const InvoiceLine&, const InvoiceLine&) = default;
};

struct Invoice {
    core::Cycle cycle;
    std::string zone;
    std::optional<std::string> currency;  // none: no payg grant yet
    bool final = false;
    std::vector<InvoiceLine> lines;             // by resource, reason and price
    std::optional<std::int64_t> total() const;  // none: it, or the amount of a line, is beyond 2^63
    std::string problem() const;                // why there is no total, in one line; else empty
};

// Which entries of the ledger count: those of the cycle's own tranches up to `last`, and those of earlier
// cycles' after `late_after`, too.
struct EntryRange {
    std::int64_t late_after = 0;
    std::int64_t last = 0;
};
// A unit costs what one cost when its cycle began. Invoices that were final by an older rule stay as they
// are: each grant had the price of its own begin in the cycle, and before that what was of before its
// resource had any price was free.
enum class PriceRule { of_cycle, of_grant, free_before };
[[nodiscard]] core::Result<std::vector<InvoiceLine>> lines_of(Database& database, const std::string& team,
                                                              const Billing& billing,
                                                              const core::Cycle& cycle, EntryRange entries,
                                                              PriceRule rule = PriceRule::of_cycle);

// As they were said, of the invoice that is final since.
std::vector<InvoiceLine> kept_lines(Database& database, const std::string& team, core::UtcTime from);

// The invoice of the cycle that holds the moment. Requires the team, and that what is due is closed
// (close_due_cycles). invalid: this machine doesn't know the team's zone.
[[nodiscard]] core::Result<Invoice> make_invoice(Database& database, const std::string& team,
                                                 core::UtcTime moment, std::int64_t final_after_ms,
                                                 core::UtcTime now);
// All that are final, and those that are open by now; the newest first, and no more than a bound.
[[nodiscard]] core::Result<std::vector<Invoice>> list_invoices(Database& database, const std::string& team,
                                                               std::int64_t final_after_ms,
                                                               core::UtcTime now);
boost::json::object invoice_to_json(const std::string& team, const Invoice& invoice, core::UtcTime as_of);

}  // namespace meterbox::account
