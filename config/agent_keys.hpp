// The one table of the agent's keys (key_rule.hpp).
#pragma once

#include <string_view>
#include <vector>

#include "config/agent_config.hpp"
#include "config/key_rule.hpp"

namespace meterbox::config {

using KeyRule = KeyRuleOf<AgentConfig>;

const std::vector<KeyRule>& agent_key_rules();
const KeyRule* find_agent_key(std::string_view key);  // null: there is none

}  // namespace meterbox::config
