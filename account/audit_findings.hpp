// What an audit finds beside differences: units that an agent's counters leave open, fences, evidence, agents
// that are awaited or given up. Nothing of it is wrong in itself; somebody should look at it.
#pragma once

#include <string>
#include <vector>

#include "account/database.hpp"

namespace meterbox::account {

std::vector<std::string> audit_findings(Database& database, const std::string& team);

}  // namespace meterbox::account
