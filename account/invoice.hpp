// A team's invoice of one billing cycle (R12): the payg units charged in it, at the price that held when it
// began. Computed from the ledger alone, whose entries never change: so an invoice that is final doesn't
// either. What is charged to a cycle after its invoice was final is on the first invoice that still is
// open then, named as late.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "account/database.hpp"
#include "core/billing_cycle.hpp"
#include "core/error.hpp"

namespace meterbox::account {

struct InvoiceLine {
    std::string resource;
    std::int64_t units = 0;       // late ones included
    std::int64_t late_units = 0;  // of earlier cycles
    std::int64_t unit_price = 0;  // minor units of the currency
    std::int64_t amount() const { return units * unit_price; }
    friend bool operator==(const InvoiceLine&, const InvoiceLine&) = default;
};

struct Invoice {
    core::Cycle cycle;
    std::string zone;
    std::optional<std::string> currency;  // none: no payg grant yet
    bool final = false;
    std::vector<InvoiceLine> lines;  // by resource and price
    std::int64_t total() const;
};

// The invoice of the cycle that holds the moment. invalid: this machine doesn't know the team's zone.
// Requires the team.
[[nodiscard]] core::Result<Invoice> make_invoice(Database& database, const std::string& team,
                                                 core::UtcTime moment, std::int64_t final_after_ms,
                                                 core::UtcTime now);
boost::json::object invoice_to_json(const std::string& team, const Invoice& invoice);

}  // namespace meterbox::account
