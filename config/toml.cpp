// TOML's syntax, by toml++ (header-only), turned into config's own values so that no other file pays for it.
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#define TOML_ENABLE_WINDOWS_COMPAT 0
#define TOML_HEADER_ONLY 1
// toml++ 3.3 asserts, before it looks, that a table's name begins as it should: "[!]" would end the process.
// It refuses such a name on the next line, so its assertions are left out; NDEBUG would make promises of
// them.
#undef NDEBUG
#define TOML_ASSERT(claim) static_assert(true)
#include <toml++/toml.h>

#include <algorithm>

#include "config/value.hpp"

namespace meterbox::config {
namespace {

std::string_view toml_name(const toml::node& node) {
    if (node.is_boolean()) return "a boolean";
    if (node.is_floating_point()) return "a fraction";
    return "a date or time";
}

Value value_of(const toml::node& node);

Value table_of(const toml::table& table) {
    Value result;
    result.kind = Value::Kind::table;
    for (const auto& [key, node] : table) {
        Value member = value_of(node);
        member.line = key.source().begin.line;
        result.members.push_back({std::string{key.str()}, std::move(member)});
    }
    std::stable_sort(result.members.begin(), result.members.end(),
                     [](const auto& a, const auto& b) { return a.value.line < b.value.line; });
    return result;
}

Value value_of(const toml::node& node) {
    Value result;
    if (const auto* table = node.as_table()) {
        result = table_of(*table);
    } else if (const auto* array = node.as_array()) {
        result.kind = Value::Kind::array;
        for (const toml::node& item : *array) result.items.push_back(value_of(item));
    } else if (const auto* text = node.as_string()) {
        result.text = text->get();
    } else if (const auto* integer = node.as_integer()) {
        result.kind = Value::Kind::integer;
        result.integer = integer->get();
    } else {
        result.kind = Value::Kind::other;
        result.text = toml_name(node);
    }
    result.line = node.source().begin.line;
    return result;
}

}  // namespace

core::Result<Value> parse_toml(std::string_view document, std::string_view place) {
    const toml::parse_result parsed = toml::parse(document);
    if (parsed) return table_of(parsed.table());
    const toml::parse_error& error = parsed.error();
    std::string detail{place};
    detail += ":" + std::to_string(error.source().begin.line) + ": not TOML: ";
    detail += error.description();
    detail += "; correct this line";
    std::replace(detail.begin(), detail.end(), '\n', ' ');
    return core::Error{.code = core::ErrorCode::malformed, .detail = detail, .index = {}, .pointer = {}};
}

}  // namespace meterbox::config
