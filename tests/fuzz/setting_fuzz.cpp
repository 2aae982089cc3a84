// config: one --set, "section.key=value", and the same value as a variable of the environment. Both get the
// same verdict; what is taken lies in its range, what is refused is refused in one line.
#include <array>

#include "config/agent_keys.hpp"
#include "tests/fuzz/config_checks.hpp"

namespace {

using namespace meterbox;

core::Result<config::AgentConfig> load_without_file(config::Sources sources) {
    sources.default_path = "/nonexistent/agent.toml";
    return config::load(sources);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(fuzz::text_of(data, size));
    const std::string key = text.substr(0, text.find('='));
    if (key.ends_with("_file")) return 0;  // loading reads the file that is named
    config::Sources by_argument;
    by_argument.sets = {text};
    const auto settings = load_without_file(by_argument);
    if (settings) {
        fuzz::check_config(*settings);
    } else {
        fuzz::check_one_line(settings.error());
    }
    const config::KeyRule* rule = config::find_agent_key(key);
    if (!rule || key.size() == size || text.find('\0') != std::string::npos) return 0;
    const std::string variable = rule->variable() + text.substr(key.size());
    const std::array<const char*, 2> environment{variable.c_str(), nullptr};
    config::Sources by_environment;
    by_environment.environment = environment.data();
    METERBOX_ASSERT(load_without_file(by_environment).has_value() == settings.has_value());
    return 0;
}
