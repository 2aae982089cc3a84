#include "config/agent_config.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "config/agent_keys.hpp"
#include "config/value.hpp"
#include "core/assert.hpp"
#include "core/limits.hpp"

namespace meterbox::config {
namespace {

using Outcome = core::Result<void>;

// One line, also where it repeats what was written: keys and values may hold any byte.
core::Error invalid(std::string detail) {
    std::replace_if(detail.begin(), detail.end(), is_control, '?');
    return {.code = core::ErrorCode::invalid, .detail = std::move(detail), .index = {}, .pointer = {}};
}

std::string reason(int error) {
    return std::generic_category().message(error);
}

struct FileText {
    std::string text;
    int error = 0;  // errno; 0: the text is the whole file
};

FileText read_file(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return {.text = {}, .error = errno};
    FileText result;
    std::array<char, 4096> buffer{};
    for (;;) {
        const ssize_t count = ::read(fd, buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) result.error = errno;
        if (count <= 0) break;
        result.text.append(buffer.data(), static_cast<std::size_t>(count));
        if (result.text.size() > core::limits::config_bytes_max) {
            result.error = EFBIG;
            break;
        }
    }
    ::close(fd);
    return result;
}

Outcome apply(const KeyRule& rule, const Value& value, Origin origin, std::string_view file,
              AgentConfig& config) {
    const Complaint complaint = rule.read(value, config);
    if (complaint) {
        if (complaint.line != 0) origin.place = std::string{file} + ":" + std::to_string(complaint.line);
        return invalid(origin.place + ": " + std::string{rule.key} + ": " + complaint.what);
    }
    config.origins.insert_or_assign(std::string{rule.key}, std::move(origin));
    return {};
}

std::string known_names(std::string_view section) {
    std::string names;
    std::string_view last;
    for (const KeyRule& rule : agent_key_rules()) {
        if (!section.empty() && rule.section() != section) continue;
        const std::string_view name = section.empty() ? rule.section() : rule.name();
        if (name == last) continue;
        names += (names.empty() ? "" : ", ") + std::string{name};
        last = name;
    }
    return names;
}

std::string unknown_key(std::string_view key) {
    const std::string section{key.substr(0, key.find('.'))};
    const std::string known = known_names(section);
    const std::string name{key};
    if (known.empty()) return name + ": unknown section; the sections are " + known_names("");
    return name + ": unknown key; the keys of [" + section + "] are " + known;
}

Outcome apply_section(const std::string& section, const Value& table, const std::string& path,
                      AgentConfig& config) {
    for (const auto& [name, value] : table.members) {
        const std::string key = section + "." + name;
        const std::string place = path + ":" + std::to_string(value.line);
        const KeyRule* rule = find_agent_key(key);
        if (rule == nullptr) return invalid(place + ": " + unknown_key(key));
        Outcome outcome = apply(*rule, value, {Origin::Kind::file, place}, path, config);
        if (!outcome) return outcome;
    }
    return {};
}

Outcome apply_file(const Sources& sources, AgentConfig& config) {
    const std::string& path = sources.path ? *sources.path : sources.default_path;
    const FileText file = read_file(path);
    if (file.error == ENOENT && !sources.path) return {};
    if (file.error != 0) {
        return invalid(path + ": can't be read (" + reason(file.error) +
                       "); name a readable file with --config");
    }
    const auto document = parse_toml(file.text, path);
    if (!document) return document.error();
    for (const auto& [section, table] : document->members) {
        const std::string place = path + ":" + std::to_string(table.line);
        if (known_names(section).empty()) return invalid(place + ": " + unknown_key(section));
        if (table.kind != Value::Kind::table) {
            return invalid(place + ": " + section + ": " +
                           wrong_type(table, "[" + section + "] and its keys below"));
        }
        Outcome outcome = apply_section(section, table, path, config);
        if (!outcome) return outcome;
    }
    return {};
}

Outcome apply_environment(const char* const* environment, AgentConfig& config) {
    for (const char* const* entry = environment; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string_view variable{*entry};
        const std::string_view name = variable.substr(0, variable.find('='));
        if (!name.starts_with("METERBOX_") || name.size() == variable.size()) continue;
        for (const KeyRule& rule : agent_key_rules()) {
            if (rule.variable() != name) continue;
            const Value value = Value::untyped(std::string{variable.substr(name.size() + 1)});
            Outcome outcome = apply(rule, value, {Origin::Kind::environment, std::string{name}}, {}, config);
            if (!outcome) return outcome;
        }
    }
    return {};
}

Outcome apply_sets(const std::vector<std::string>& sets, AgentConfig& config) {
    for (const std::string& set : sets) {
        const std::size_t equals = set.find('=');
        const std::string key = set.substr(0, equals);
        if (equals == std::string::npos) {
            return invalid("--set " + key + ": has no value; write --set section.key=value");
        }
        const KeyRule* rule = find_agent_key(key);
        if (rule == nullptr) return invalid("--set: " + unknown_key(key));
        const Value value = Value::untyped(set.substr(equals + 1));
        Outcome outcome = apply(*rule, value, {Origin::Kind::argument, "--set"}, {}, config);
        if (!outcome) return outcome;
    }
    return {};
}

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
        return invalid(config.origin_of("admin.socket").place +
                       ": admin.socket: is the products' socket too; give each a path of its own");
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
    AgentConfig config;
    for (const KeyRule& rule : agent_key_rules()) {
        const Value value = Value::untyped(std::string{rule.default_text});
        const Outcome outcome = apply(rule, value, {Origin::Kind::built_in, "default"}, {}, config);
        METERBOX_ASSERT(outcome.has_value());
    }
    return config;
}

core::Result<AgentConfig> load(const Sources& sources) {
    AgentConfig config = defaults();
    Outcome outcome = apply_file(sources, config);
    if (outcome) outcome = apply_environment(sources.environment, config);
    if (outcome) outcome = apply_sets(sources.sets, config);
    if (outcome) outcome = check_together(config);
    if (!outcome) return outcome.error();
    return config;
}

std::vector<std::string> agent_keys() {
    std::vector<std::string> keys;
    for (const KeyRule& rule : agent_key_rules()) keys.emplace_back(rule.key);
    return keys;
}

}  // namespace meterbox::config
