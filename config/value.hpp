// A value as it was found, before it has the type of its key: what TOML's reader gives (config/toml.cpp, the
// only file that includes toml++) and what the readers of the single types take (config/value_types.cpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace meterbox::config {

struct Value {
    struct Member;
    enum class Kind { text, integer, array, table, other };
    Kind kind = Kind::text;
    std::string text;  // of text; of other: its TOML type's name
    std::int64_t integer = 0;
    bool typed = true;            // false: text of the environment or of --set, which stands for any type
    std::size_t line = 0;         // of the key; 0 outside of files
    std::vector<Value> items;     // of an array
    std::vector<Member> members;  // of a table, in the order of their lines

    static Value untyped(std::string text);
};
struct Value::Member {
    std::string name;
    Value value;
};

std::string_view name_of(Value::Kind kind);
bool is_control(char c);  // of ASCII

// The document as a table. A syntax error is "LINE: what is wrong", after `place` and a colon.
[[nodiscard]] core::Result<Value> parse_toml(std::string_view document, std::string_view place);

}  // namespace meterbox::config
