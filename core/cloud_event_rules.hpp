// The rules of CloudEvents 1.0 for single attributes, apart from any message: names, texts, URIs,
// media types, and the two encodings (base64 in JSON, percent in headers). Inside core only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace meterbox::core {

// The code point of UTF-8 at the front, shortest form, no surrogates, taken off the text; none if it is
// anything else. Requires text.
std::optional<std::uint32_t> take_code_point(std::string_view& text);
// [a-z0-9]+
bool is_attribute_name(std::string_view name);
// CloudEvents 1.0, 3.2 String: no control characters, no noncharacters. Requires UTF-8.
bool is_attribute_text(std::string_view text);
// RFC 3986, 4.1. Characters beyond ASCII are let pass as an IRI's (RFC 3987).
bool is_uri_reference(std::string_view text);
// RFC 3986, 4.3: with a scheme.
bool is_uri(std::string_view text);

// "type/subtype; parameters" (RFC 2046). The views are into the text.
struct MediaType {
    std::string_view type;
    std::string_view subtype;
    std::string_view charset;  // empty: none given
};
std::optional<MediaType> parse_media_type(std::string_view text);
bool is_json(const MediaType& media_type);               // application/json, text/json, or ...+json
bool has_readable_charset(const MediaType& media_type);  // none, UTF-8 or its subset US-ASCII
bool equals_ignoring_case(std::string_view a, std::string_view b);

// RFC 4648, 4, with its padding and no bits left over; none if it is anything else.
std::optional<std::string> decode_base64(std::string_view text);
// A header's value: a quoted string unquoted, then one round of percent-decoding (HTTP binding
// 3.1.3.2). None if a % isn't followed by two hexadecimal digits, or the result isn't UTF-8.
std::optional<std::string> decode_header_value(std::string_view text);

}  // namespace meterbox::core
