// Part of the audit: what final invoices say is what the ledger says, entry by entry.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "account/database.hpp"

namespace meterbox::account {

// Of the final invoice of that place, the oldest being 0: how it differs, or nothing. None: there is no such
// one.
std::optional<std::string> invoice_difference(Database& database, const std::string& team, std::size_t place);

}  // namespace meterbox::account
