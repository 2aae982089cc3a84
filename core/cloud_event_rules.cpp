#include "core/cloud_event_rules.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "core/text.hpp"

namespace meterbox::core {
namespace {

bool is_alpha(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
bool is_space(char c) {
    return c == ' ' || c == '\t';
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
}

std::optional<int> hex_digit(char c) {
    if (is_digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return std::nullopt;
}

bool is_allowed_in_text(std::uint32_t point) {
    if (point < 0x20 || (point >= 0x7F && point <= 0x9F)) return false;
    if (point >= 0xFDD0 && point <= 0xFDEF) return false;
    return (point & 0xFFFEU) != 0xFFFE;
}

// Whether eight bytes are all 0x20 to 0x7E, in one step: nearly every text of nearly every event is.
bool are_printable(const char* bytes) {
    constexpr std::uint64_t each = 0x0101010101010101;
    constexpr std::uint64_t high = 0x80 * each;
    std::uint64_t word = 0;
    std::memcpy(&word, bytes, sizeof(word));
    return ((word | (word - 0x20 * each) | (word + each)) & high) == 0;
}

// Reserved and unreserved characters of RFC 3986, and what is beyond ASCII; % is looked at apart.
constexpr std::array<bool, 256> uri_characters = [] {
    std::array<bool, 256> table{};
    for (std::size_t c = 0x80; c < table.size(); ++c) table[c] = true;
    for (char c = 'a'; c <= 'z'; ++c) table[static_cast<std::size_t>(c)] = true;
    for (char c = 'A'; c <= 'Z'; ++c) table[static_cast<std::size_t>(c)] = true;
    for (char c = '0'; c <= '9'; ++c) table[static_cast<std::size_t>(c)] = true;
    for (const char c : std::string_view{":/?#[]@!$&'()*+,;=-._~"}) table[static_cast<std::size_t>(c)] = true;
    return table;
}();

// The length of "scheme" when the text starts with "scheme:"; 0 if it has none.
std::size_t scheme_length(std::string_view text) {
    if (text.empty() || !is_alpha(text.front())) return 0;
    for (std::size_t i = 1; i < text.size(); ++i) {
        const char c = text[i];
        if (c == ':') return i;
        if (!is_alpha(c) && !is_digit(c) && c != '+' && c != '-' && c != '.') return 0;
    }
    return 0;
}

bool is_token(std::string_view text) {  // RFC 9110, 5.6.2
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return is_alpha(c) || is_digit(c) ||
               std::string_view{"!#$%&'*+-.^_`|~"}.find(c) != std::string_view::npos;
    });
}

// The end of a quoted string that starts at the front of the text; 0 if it doesn't end.
std::size_t quoted_length(std::string_view text) {
    for (std::size_t i = 1; i < text.size(); ++i) {
        if (text[i] == '\\') {
            ++i;
        } else if (text[i] == '"') {
            return i + 1;
        }
    }
    return 0;
}

// One ";name=value" off the front; false if that isn't what is there.
bool take_parameter(std::string_view& rest, MediaType& result) {
    rest.remove_prefix(1);
    rest = trimmed(rest);
    if (rest.empty() || rest.front() == ';') return true;  // RFC 9110 lets empty ones pass
    const std::size_t equals = rest.find('=');
    if (equals == std::string_view::npos || !is_token(rest.substr(0, equals))) return false;
    const std::string_view name = rest.substr(0, equals);
    rest.remove_prefix(equals + 1);
    std::string_view value;
    if (rest.starts_with('"')) {
        const std::size_t length = quoted_length(rest);
        if (length == 0) return false;
        value = rest.substr(1, length - 2);
        rest.remove_prefix(length);
    } else {
        value = trimmed(rest.substr(0, rest.find(';')));
        if (!is_token(value)) return false;
        rest.remove_prefix(std::min(rest.find(';'), rest.size()));
    }
    rest = trimmed(rest);
    if (equals_ignoring_case(name, "charset")) result.charset = value;
    return rest.empty() || rest.front() == ';';
}

std::optional<std::string> unquoted(std::string_view text) {
    if (!text.starts_with('"')) return std::string{text};
    if (quoted_length(text) != text.size()) return std::nullopt;
    std::string result;
    for (std::size_t i = 1; i + 1 < text.size(); ++i) {
        if (text[i] == '\\') ++i;
        result += text[i];
    }
    return result;
}

}  // namespace

std::optional<std::uint32_t> take_code_point(std::string_view& text) {
    const auto first = static_cast<unsigned char>(text.front());
    const std::size_t size = first < 0x80   ? 1
                             : first < 0xC0 ? 0
                             : first < 0xE0 ? 2
                             : first < 0xF0 ? 3
                             : first < 0xF8 ? 4
                                            : 0;
    if (size == 0 || text.size() < size) return std::nullopt;
    std::uint32_t point = size == 1 ? first : first & (0x7FU >> size);
    for (std::size_t i = 1; i < size; ++i) {
        const auto next = static_cast<unsigned char>(text[i]);
        if ((next & 0xC0U) != 0x80) return std::nullopt;
        point = point << 6U | (next & 0x3FU);
    }
    static constexpr std::array<std::uint32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
    if (point < least[size] || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) return std::nullopt;
    text.remove_prefix(size);
    return point;
}

bool is_attribute_name(std::string_view name) {
    return !name.empty() && std::all_of(name.begin(), name.end(),
                                        [](char c) { return (c >= 'a' && c <= 'z') || is_digit(c); });
}

bool is_attribute_text(std::string_view text) {
    while (!text.empty()) {
        if (text.size() >= 8 && are_printable(text.data())) {
            text.remove_prefix(8);
        } else if (text.front() >= 0x20 && text.front() < 0x7F) {
            text.remove_prefix(1);
        } else {
            const std::optional<std::uint32_t> point = take_code_point(text);
            if (!point || !is_allowed_in_text(*point)) return false;
        }
    }
    return true;
}

bool is_uri_reference(std::string_view text) {
    if (text.empty() || !is_attribute_text(text)) return false;
    bool in_fragment = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%') {
            if (i + 2 >= text.size() || !hex_digit(text[i + 1]) || !hex_digit(text[i + 2])) return false;
            i += 2;
        } else if (!uri_characters[static_cast<unsigned char>(text[i])] || (text[i] == '#' && in_fragment)) {
            return false;
        } else if (text[i] == '#') {
            in_fragment = true;
        }
    }
    // Without a scheme, the first segment of the path must not look as if there was one.
    const std::size_t colon = text.substr(0, text.find_first_of("/?#")).find(':');
    return colon == std::string_view::npos || scheme_length(text) != 0;
}

bool is_uri(std::string_view text) {
    return scheme_length(text) != 0 && is_uri_reference(text);
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
    return a.size() == b.size() &&
           std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

std::optional<MediaType> parse_media_type(std::string_view text) {
    std::string_view rest = trimmed(text);
    MediaType result;
    const std::size_t slash = rest.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    result.type = rest.substr(0, slash);
    const std::size_t end = std::min(rest.find(';'), rest.size());
    if (end < slash) return std::nullopt;
    result.subtype = trimmed(rest.substr(slash + 1, end - slash - 1));
    if (!is_token(result.type) || !is_token(result.subtype)) return std::nullopt;
    rest.remove_prefix(end);
    while (!rest.empty()) {
        if (!take_parameter(rest, result)) return std::nullopt;
    }
    return result;
}

bool is_json(const MediaType& media_type) {
    const std::string_view subtype = media_type.subtype;
    if (equals_ignoring_case(subtype, "json")) return true;
    return subtype.size() > 5 && equals_ignoring_case(subtype.substr(subtype.size() - 5), "+json");
}

bool has_readable_charset(const MediaType& media_type) {
    return media_type.charset.empty() || equals_ignoring_case(media_type.charset, "utf-8") ||
           equals_ignoring_case(media_type.charset, "utf8") ||
           equals_ignoring_case(media_type.charset, "us-ascii");
}

std::optional<std::string> decode_base64(std::string_view text) {
    static constexpr std::string_view alphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (text.size() % 4 != 0) return std::nullopt;
    for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
    std::string result;
    result.reserve(text.size() / 4 * 3 + 2);
    std::uint32_t bits = 0;
    unsigned held = 0;
    for (const char c : text) {
        const std::size_t value = alphabet.find(c);
        if (value == std::string_view::npos) return std::nullopt;
        bits = bits << 6U | static_cast<std::uint32_t>(value);
        held += 6;
        if (held < 8) continue;
        held -= 8;
        result += static_cast<char>(bits >> held & 0xFFU);
    }
    if ((bits & ((1U << held) - 1U)) != 0) return std::nullopt;
    return result;
}

std::optional<std::string> decode_header_value(std::string_view text) {
    const std::optional<std::string> plain = unquoted(trimmed(text));
    if (!plain) return std::nullopt;
    std::string result;
    result.reserve(plain->size());
    for (std::size_t i = 0; i < plain->size(); ++i) {
        if ((*plain)[i] != '%') {
            result += (*plain)[i];
            continue;
        }
        if (i + 2 >= plain->size()) return std::nullopt;
        const std::optional<int> high = hex_digit((*plain)[i + 1]);
        const std::optional<int> low = hex_digit((*plain)[i + 2]);
        if (!high || !low) return std::nullopt;
        result += static_cast<char>(*high * 16 + *low);
        i += 2;
    }
    if (!is_utf8(result)) return std::nullopt;
    return result;
}

}  // namespace meterbox::core
