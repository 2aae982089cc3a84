// What agents have said against itself. Counters, and the sums of usage by hour, are checked when they are
// taken: what doesn't fit was changed since. Usage by hour against what was metered: a finding, for an agent
// may be silent of some, and balances are made of counters alone. Not of one that had several incarnations:
// what went with a disk nobody knows by the hour. Part of the audit.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "account/agents.hpp"
#include "account/database.hpp"

namespace meterbox::account {

// By id; after: of the one before, or empty.
std::optional<Agent> next_agent(Database& database, const std::string& team, const std::string& after);
std::vector<std::string> usage_findings(Database& database, const Agent& agent);
// Usage by hour that isn't what was told, all hours together.
std::vector<std::string> usage_differences(Database& database, const Agent& agent);
// Counters of the team's agents of which M isn't unit x (U + overage) + q.
std::vector<std::string> counter_differences(Database& database, const std::string& team);

}  // namespace meterbox::account
