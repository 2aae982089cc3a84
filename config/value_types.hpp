// The types that a setting can have: each reads a Value into a field, or says in one clause what is wrong
// and what to write instead. The place and the key are added by whoever knows them (config/agent_config.cpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/agent_config.hpp"
#include "config/value.hpp"

namespace meterbox::config {

// What is wrong with a value, and what to do; false: nothing, it was taken.
struct Complaint {
    Complaint() = default;
    Complaint(std::string text) : what(std::move(text)) {}
    Complaint(const char* text) : what(text) {}
    explicit operator bool() const { return !what.empty(); }

    std::string what;
    std::size_t line = 0;  // where in the file, if it's closer than the key's own line
};

struct Range {
    std::int64_t min = 0;
    std::int64_t max = 0;
};

Complaint read_text(const Value& value, std::string& field);
Complaint read_agent_name(const Value& value, std::string& field);   // as the account takes it, or ""
Complaint read_path(const Value& value, std::string& field);         // not empty
Complaint read_socket_path(const Value& value, std::string& field);  // fits a sockaddr_un
Complaint read_integer(const Value& value, Range range, std::int64_t& field);
Complaint read_duration_ms(const Value& value, Range range, std::int64_t& field);  // "5m"
Complaint read_size_bytes(const Value& value, Range range, std::int64_t& field);   // "64MiB"
Complaint read_mode(const Value& value, std::uint32_t& field);                     // "0660"
Complaint read_loopback(const Value& value, std::string& field);                   // "127.0.0.1:9480" or ""
Complaint read_url(const Value& value, std::string& field);  // "https://HOST[:PORT]" or ""
// A host as certificates name it, or "".
Complaint read_certificate_name(const Value& value, std::string& field);
Complaint read_certificate_names(const Value& value, std::vector<std::string>& field);
Complaint read_hosts(const Value& value, std::vector<std::string>& field);
Complaint read_allow_rules(const Value& value, std::vector<AllowRule>& field);

// One of a few names. `names` pairs each with what it means.
template <class Enum>
Complaint read_choice(const Value& value, const std::vector<std::pair<std::string_view, Enum>>& names,
                      Enum& field) {
    std::string choices;
    for (const auto& [name, meaning] : names) {
        if (value.kind == Value::Kind::text && value.text == name) {
            field = meaning;
            return {};
        }
        choices += (choices.empty() ? "\"" : ", \"") + std::string{name} + "\"";
    }
    return "not one of its words; write one of " + choices;
}

// For the clauses: the text in quotes; "is a number; write WANTED".
std::string quoted(std::string_view text);
std::string wrong_type(const Value& value, std::string_view wanted);

// "64MiB" in bytes: a whole number with B, kB, MB, GB, TB (powers of 1000) or KiB, MiB, GiB, TiB
// (of 1024). nullopt if it is anything else or doesn't fit.
std::optional<std::int64_t> parse_size_bytes(std::string_view text);
// The same with the largest binary unit that is exact.
std::string format_size(std::int64_t bytes);

}  // namespace meterbox::config
