#include "config/agent_config.hpp"

#include "config/agent_keys.hpp"
#include "config/loading.hpp"

namespace meterbox::config {
namespace {

Outcome check_readable(const AgentConfig& config, std::string_view key, const std::string& path) {
    if (path.empty()) return {};
    const FileText file = read_file(path);
    if (file.error == 0 && !file.text.empty()) return {};
    const std::string why = file.error == 0 ? "it is empty" : reason(file.error);
    return invalid(config.origin_of(key).place + ": " + std::string{key} + ": can't read " + path + " (" +
                   why + "); name a file that meterboxd's user can read");
}

Outcome check_together(const AgentConfig& config) {
    if (config.products.socket == config.admin.socket) {
        // Where one of them has its default, the other one was set to that.
        const bool admin = config.origin_of("admin.socket").kind != Origin::Kind::built_in;
        const std::string_view key = admin ? "admin.socket" : "products.socket";
        return invalid(config.origin_of(key).place + ": " + std::string{key} + ": is the " +
                       (admin ? "products'" : "admins'") + " socket too; give each a path of its own");
    }
    Outcome outcome = check_readable(config, "account.ca_file", config.account.ca_file);
    if (!outcome) return outcome;
    return check_readable(config, "admin.token_file", config.admin.token_file);
}

}  // namespace

const Origin& AgentConfig::origin_of(std::string_view key) const {
    const auto found = origins.find(key);
    METERBOX_ASSERT(found != origins.end());
    return found->second;
}

AgentConfig defaults() {
    return Loading<AgentConfig>(agent_key_rules()).defaults();
}

core::Result<AgentConfig> load(const Sources& sources) {
    auto config = Loading<AgentConfig>(agent_key_rules()).load(sources);
    if (!config) return config;
    if (const Outcome outcome = check_together(*config); !outcome) return outcome.error();
    return config;
}

std::vector<std::string> agent_keys() {
    std::vector<std::string> keys;
    for (const KeyRule& rule : agent_key_rules()) keys.emplace_back(rule.key);
    return keys;
}

}  // namespace meterbox::config
