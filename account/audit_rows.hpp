// Rows that others speak of and that aren't there: the tranche of an entry, the grant of a tranche, the
// invoice of a cycle that is closed. And a tranche that is called ended before its time. One difference a
// line.
#pragma once

#include <string>
#include <vector>

#include "account/database.hpp"

namespace meterbox::account {

std::vector<std::string> missing_rows(Database& database, const std::string& team);

}  // namespace meterbox::account
