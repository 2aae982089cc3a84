// Rows that others speak of and that aren't there: the tranche of an entry, the grant and the resource of a
// tranche, the agent that holds units or was enrolled, the invoice of a cycle that is closed. And rows that
// others contradict: a tranche that is called ended before its time, or isn't as long as its grant, an
// invoice in another currency than its team's. One difference a line.
#pragma once

#include <string>
#include <vector>

#include "account/database.hpp"
#include "core/time.hpp"

namespace meterbox::account {

std::vector<std::string> row_differences(Database& database, const std::string& team, core::UtcTime now);

}  // namespace meterbox::account
