// The one table of the agent's keys: name, default, type, range and field. Everything that walks over keys
// (file, environment, --set, defaults, the example's test) walks over it.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "config/agent_config.hpp"
#include "config/value_types.hpp"

namespace meterbox::config {

struct KeyRule {
    std::string_view key;           // "section.key"
    std::string_view default_text;  // as it would be written to --set
    std::function<Complaint(const Value&, AgentConfig&)> read;

    std::string_view section() const { return key.substr(0, key.find('.')); }
    std::string_view name() const { return key.substr(key.find('.') + 1); }
    std::string variable() const;  // METERBOX_SECTION_KEY
};

const std::vector<KeyRule>& agent_key_rules();
const KeyRule* find_agent_key(std::string_view key);  // null: there is none

}  // namespace meterbox::config
