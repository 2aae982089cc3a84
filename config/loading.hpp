// How the settings of any of the programs are read: the defaults, then a file, the environment and --set,
// over one table of keys (key_rule.hpp). Config has `origins`, from where each key came. Every error is one
// line that names the place, the key, and what to do.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "config/agent_config.hpp"
#include "config/key_rule.hpp"
#include "config/value.hpp"
#include "core/assert.hpp"
#include "core/error.hpp"

namespace meterbox::config {

using Outcome = core::Result<void>;

// In one line, also where it repeats what was written: keys and values may hold any byte.
core::Error invalid(std::string detail);
std::string reason(int error);  // of an errno

struct FileText {
    std::string text;
    int error = 0;  // errno; 0: the text is the whole file
};
FileText read_file(const std::string& path);

template <class Config>
class Loading {
public:
    using Rule = KeyRuleOf<Config>;
    explicit Loading(const std::vector<Rule>& rules) : rules_(rules) {}

    Config defaults() const {
        Config config;
        for (const Rule& rule : rules_) {
            const Value value = Value::untyped(std::string{rule.default_text});
            const Outcome outcome = apply(rule, value, {Origin::Kind::built_in, "default"}, {}, config);
            METERBOX_ASSERT(outcome.has_value());
        }
        return config;
    }

    core::Result<Config> load(const Sources& sources) const {
        Config config = defaults();
        Outcome outcome = apply_file(sources, config);
        if (outcome) outcome = apply_environment(sources.environment, config);
        if (outcome) outcome = apply_sets(sources.sets, config);
        if (!outcome) return outcome.error();
        return config;
    }

    const Rule* find(std::string_view key) const {
        const auto found = std::ranges::find(rules_, key, &Rule::key);
        return found == rules_.end() ? nullptr : &*found;
    }

private:
    static Outcome apply(const Rule& rule, const Value& value, Origin origin, std::string_view file,
                         Config& config) {
        const Complaint complaint = rule.read(value, config);
        if (complaint) {
            // A line is one of the file; what the environment or --set gives has none.
            const bool has_line = complaint.line != 0 && origin.kind == Origin::Kind::file;
            if (has_line) origin.place = std::string{file} + ":" + std::to_string(complaint.line);
            return invalid(origin.place + ": " + std::string{rule.key} + ": " + complaint.what);
        }
        config.origins.insert_or_assign(std::string{rule.key}, std::move(origin));
        return {};
    }

    std::string known_names(std::string_view section) const {
        std::string names;
        std::string_view last;
        for (const Rule& rule : rules_) {
            if (!section.empty() && rule.section() != section) continue;
            const std::string_view name = section.empty() ? rule.section() : rule.name();
            if (name == last) continue;
            names += (names.empty() ? "" : ", ") + std::string{name};
            last = name;
        }
        return names;
    }

    std::string unknown_key(std::string_view key) const {
        const std::string section{key.substr(0, key.find('.'))};
        const std::string known = known_names(section);
        const std::string name{key};
        if (known.empty()) return name + ": unknown section; the sections are " + known_names("");
        return name + ": unknown key; the keys of [" + section + "] are " + known;
    }

    Outcome apply_section(const std::string& section, const Value& table, const std::string& path,
                          Config& config) const {
        for (const auto& [name, value] : table.members) {
            const std::string key = section + "." + name;
            const std::string place = path + ":" + std::to_string(value.line);
            const Rule* rule = find(key);
            if (rule == nullptr) return invalid(place + ": " + unknown_key(key));
            Outcome outcome = apply(*rule, value, {Origin::Kind::file, place}, path, config);
            if (!outcome) return outcome;
        }
        return {};
    }

    Outcome apply_file(const Sources& sources, Config& config) const {
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

    Outcome apply_environment(const char* const* environment, Config& config) const {
        for (const char* const* entry = environment; entry != nullptr && *entry != nullptr; ++entry) {
            const std::string_view variable{*entry};
            const std::string_view name = variable.substr(0, variable.find('='));
            if (!name.starts_with("METERBOX_") || name.size() == variable.size()) continue;
            for (const Rule& rule : rules_) {
                if (rule.variable() != name) continue;
                const Value value = Value::untyped(std::string{variable.substr(name.size() + 1)});
                Outcome outcome =
                    apply(rule, value, {Origin::Kind::environment, std::string{name}}, {}, config);
                if (!outcome) return outcome;
            }
        }
        return {};
    }

    Outcome apply_sets(const std::vector<std::string>& sets, Config& config) const {
        for (const std::string& set : sets) {
            const std::size_t equals = set.find('=');
            const std::string key = set.substr(0, equals);
            if (equals == std::string::npos) {
                return invalid("--set " + key + ": has no value; write --set section.key=value");
            }
            const Rule* rule = find(key);
            if (rule == nullptr) return invalid("--set: " + unknown_key(key));
            const Value value = Value::untyped(set.substr(equals + 1));
            Outcome outcome = apply(*rule, value, {Origin::Kind::argument, "--set"}, {}, config);
            if (!outcome) return outcome;
        }
        return {};
    }

    const std::vector<Rule>& rules_;
};

}  // namespace meterbox::config
