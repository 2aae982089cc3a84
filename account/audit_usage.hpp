// Usage by hour of an agent against what it says it metered: a finding, for an agent may lie, and balances
// are made of counters alone. Not of one that had several incarnations: what went with a disk nobody knows by
// the hour. Part of the audit.
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

}  // namespace meterbox::account
