#include "config/value_types.hpp"

#include <sys/un.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "config/account_url.hpp"
#include "core/account_limits.hpp"
#include "core/time.hpp"

namespace meterbox::config {
namespace {

template <class Integer>
std::optional<Integer> parse_integer(std::string_view text, int base = 10) {
    Integer number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return {};
    return number;
}

struct SizeUnit {
    std::string_view name;
    std::int64_t bytes;
};
constexpr std::int64_t kibi = 1024;
constexpr std::array<SizeUnit, 9> size_units{{{"TiB", kibi* kibi* kibi* kibi},
                                              {"GiB", kibi* kibi* kibi},
                                              {"MiB", kibi* kibi},
                                              {"KiB", kibi},
                                              {"TB", 1'000'000'000'000},
                                              {"GB", 1'000'000'000},
                                              {"MB", 1'000'000},
                                              {"kB", 1'000},
                                              {"B", 1}}};

}  // namespace

Value Value::untyped(std::string text) {
    Value value;
    value.text = std::move(text);
    value.typed = false;
    return value;
}

std::string_view name_of(Value::Kind kind) {
    switch (kind) {
        case Value::Kind::text:
            return "text";
        case Value::Kind::integer:
            return "a number";
        case Value::Kind::array:
            return "an array";
        case Value::Kind::table:
            return "a table";
        case Value::Kind::other:
            break;
    }
    return "something else";
}

bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

std::string quoted(std::string_view text) {
    return "\"" + std::string{text} + "\"";
}

std::string wrong_type(const Value& value, std::string_view wanted) {
    const std::string_view found = value.kind == Value::Kind::other ? value.text : name_of(value.kind);
    return "is " + std::string{found} + "; write " + std::string{wanted};
}

Complaint read_text(const Value& value, std::string& field) {
    if (value.kind != Value::Kind::text) return wrong_type(value, "text in quotes");
    if (std::any_of(value.text.begin(), value.text.end(), is_control)) {
        return "holds a control character; write plain text";
    }
    field = value.text;
    return {};
}

Complaint read_agent_name(const Value& value, std::string& field) {
    constexpr std::size_t longest = core::limits::agent_name_bytes_max;
    if (value.text.size() > longest)
        return "is longer than the account takes; choose one of at most " + std::to_string(longest) +
               " bytes";
    return read_text(value, field);
}

Complaint read_path(const Value& value, std::string& field) {
    if (value.kind == Value::Kind::text && value.text.empty()) return "is empty; write a path";
    return read_text(value, field);
}

Complaint read_socket_path(const Value& value, std::string& field) {
    constexpr std::size_t longest = sizeof(sockaddr_un::sun_path) - 1;
    if (value.text.size() > longest) {
        return "is longer than a Unix socket's path can be; choose one of at most " +
               std::to_string(longest) + " bytes";
    }
    return read_path(value, field);
}

Complaint read_integer(const Value& value, Range range, std::int64_t& field) {
    std::optional<std::int64_t> number;
    if (value.kind == Value::Kind::integer) number = value.integer;
    if (value.kind == Value::Kind::text && !value.typed) number = parse_integer<std::int64_t>(value.text);
    if (!number) return wrong_type(value, "a whole number, such as " + std::to_string(range.min));
    if (*number < range.min || *number > range.max) {
        return std::to_string(*number) + " is out of range; choose between " + std::to_string(range.min) +
               " and " + std::to_string(range.max);
    }
    field = *number;
    return {};
}

Complaint read_duration_ms(const Value& value, Range range, std::int64_t& field) {
    if (value.kind != Value::Kind::text) return wrong_type(value, "a duration in quotes, such as \"5m\"");
    const auto duration = core::parse_short_duration_ms(value.text);
    if (!duration) return quoted(value.text) + " is not a duration; write one such as \"5m\" or \"1m30s\"";
    if (*duration < range.min || *duration > range.max) {
        return quoted(value.text) + " is out of range; choose between " +
               core::format_short_duration(range.min) + " and " + core::format_short_duration(range.max);
    }
    field = *duration;
    return {};
}

std::optional<std::int64_t> parse_size_bytes(std::string_view text) {
    for (const SizeUnit& unit : size_units) {
        if (!text.ends_with(unit.name)) continue;
        const auto number = parse_integer<std::int64_t>(text.substr(0, text.size() - unit.name.size()));
        std::int64_t bytes = 0;
        if (!number || *number < 0 || __builtin_mul_overflow(*number, unit.bytes, &bytes)) return {};
        return bytes;
    }
    return {};
}

std::string format_size(std::int64_t bytes) {
    const auto exact = std::find_if(size_units.begin(), size_units.end(), [bytes](const SizeUnit& unit) {
        return bytes != 0 && bytes % unit.bytes == 0 && unit.bytes % kibi == 0;
    });
    if (exact == size_units.end()) return std::to_string(bytes) + "B";
    return std::to_string(bytes / exact->bytes) + std::string{exact->name};
}

Complaint read_size_bytes(const Value& value, Range range, std::int64_t& field) {
    if (value.kind != Value::Kind::text) return wrong_type(value, "a size in quotes, such as \"64MiB\"");
    const auto size = parse_size_bytes(value.text);
    if (!size) return quoted(value.text) + " is not a size; write one such as \"64MiB\"";
    if (*size < range.min || *size > range.max) {
        return quoted(value.text) + " is out of range; choose between " + format_size(range.min) + " and " +
               format_size(range.max);
    }
    field = *size;
    return {};
}

Complaint read_mode(const Value& value, std::uint32_t& field) {
    if (value.kind != Value::Kind::text) return wrong_type(value, "the mode in quotes, such as \"0660\"");
    const auto mode = parse_integer<std::uint32_t>(value.text, 8);
    if (!mode || value.text.size() < 3) {
        return quoted(value.text) + " is not a mode; write it in octal, such as \"0660\"";
    }
    constexpr std::uint32_t mode_max = 0777;
    if (*mode > mode_max) return quoted(value.text) + " is out of range; choose between 0000 and 0777";
    field = *mode;
    return {};
}

Complaint read_loopback(const Value& value, std::string& field) {
    if (value.kind != Value::Kind::text)
        return wrong_type(value, "an address in quotes, such as \"127.0.0.1:9480\"");
    if (value.text.empty()) {
        field.clear();
        return {};
    }
    const auto colon = value.text.rfind(':');
    const auto port = colon == std::string::npos ? std::optional<std::uint16_t>{}
                                                 : parse_integer<std::uint16_t>(value.text.substr(colon + 1));
    if (!port) return quoted(value.text) + " is not HOST:PORT; write one such as \"127.0.0.1:9480\"";
    std::string host = value.text.substr(0, colon);
    if (host == "localhost") host = "127.0.0.1";
    if (host != "127.0.0.1" && host != "[::1]") {
        return quoted(value.text) + " is not on loopback, and there is no TLS here; write 127.0.0.1 or [::1]";
    }
    field = host + ":" + std::to_string(*port);
    return {};
}

Complaint read_url(const Value& value, std::string& field) {
    if (value.kind != Value::Kind::text)
        return wrong_type(value, "a URL in quotes, such as \"https://HOST:PORT\"");
    if (!value.text.empty() && !parse_account_url(value.text)) {
        return quoted(value.text) + " is not an account's URL; write https://HOST or https://HOST:PORT";
    }
    field = value.text;
    return {};
}

Complaint read_certificate_name(const Value& value, std::string& field) {
    if (value.kind != Value::Kind::text)
        return wrong_type(value, "a name in quotes, such as \"account.example\"");
    auto name = value.text.empty() ? std::optional<std::string>("") : certificate_name(value.text);
    if (!name) return quoted(value.text) + " is not a host's name; write it without a port";
    field = std::move(*name);
    return {};
}

}  // namespace meterbox::config
