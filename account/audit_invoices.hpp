// Part of the audit: what final invoices say is what the ledger says, entry by entry.
#pragma once

#include <string>
#include <vector>

#include "account/database.hpp"

namespace meterbox::account {

// A line for each invoice that differs.
std::vector<std::string> invoice_differences(Database& database, const std::string& team);

}  // namespace meterbox::account
