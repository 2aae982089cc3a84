// One row of a program's table of keys: name, default, type, range and field. Everything that walks over keys
// (file, environment, --set, defaults, the example's test) walks over such rows (config/loading.hpp).
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "config/value_types.hpp"

namespace meterbox::config {

// "log.level" -> "METERBOX_LOG_LEVEL"
std::string variable_of(std::string_view key);

template <class Config>
struct KeyRuleOf {
    std::string_view key;           // "section.key"
    std::string_view default_text;  // as it would be written to --set
    std::function<Complaint(const Value&, Config&)> read;

    std::string_view section() const { return key.substr(0, key.find('.')); }
    std::string_view name() const { return key.substr(key.find('.') + 1); }
    std::string variable() const { return variable_of(key); }
};

// Readers of one type, tied to the field that they fill.
template <class Config, class Section, class Field>
auto as(Complaint (*read)(const Value&, Field&), Section Config::*section, Field Section::*field) {
    return [=](const Value& value, Config& config) { return read(value, config.*section.*field); };
}
template <class Config, class Section>
auto as(Complaint (*read)(const Value&, Range, std::int64_t&), Section Config::*section,
        std::int64_t Section::*field, Range range) {
    return [=](const Value& value, Config& config) { return read(value, range, config.*section.*field); };
}

}  // namespace meterbox::config
