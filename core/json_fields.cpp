#include "core/json_fields.hpp"

#include "core/resource.hpp"

namespace meterbox::core {

namespace json = boost::json;

json::value json_of(UtcTime time) {
    return json::value(format_rfc3339(time));
}
json::value json_of(const std::optional<UtcTime>& time) {
    return time ? json_of(*time) : json::value{};
}
json::value json_of(const std::optional<Units>& units) {
    return units ? json::value(units->value()) : json::value{};
}
json::value json_or_null(std::string_view text) {
    return text.empty() ? json::value{} : json::value(json_text(text));
}

std::optional<UtcTime> time_from(const json::value& value) {
    const json::string* text = value.if_string();
    return text ? parse_rfc3339({text->data(), text->size()}) : std::nullopt;
}

UtcTime read_time(ObjectReader& reader, std::string_view member) {
    const json::value* value = reader.value(member);
    if (!value) return {};
    const std::optional<UtcTime> time = time_from(*value);
    if (!time) reader.fail(member, "must be a time as in RFC 3339");
    return time.value_or(UtcTime{});
}

std::optional<UtcTime> read_optional_time(ObjectReader& reader, std::string_view member) {
    if (!reader.has(member)) return std::nullopt;
    return read_time(reader, member);
}

Units read_units(ObjectReader& reader, std::string_view member, std::int64_t max) {
    return Units{reader.integer(member, 0, max)};
}

std::optional<Units> read_optional_units(ObjectReader& reader, std::string_view member, std::int64_t max) {
    if (!reader.has(member)) return std::nullopt;
    return read_units(reader, member, max);
}

Amount read_amount(ObjectReader& reader, std::string_view member, std::int64_t max) {
    return Amount{reader.integer(member, 0, max)};
}

std::string read_text(ObjectReader& reader, std::string_view member, std::size_t bytes_max) {
    std::string text = reader.string(member);
    if (text.empty()) reader.fail(member, "must not be empty");
    if (text.size() > bytes_max)
        reader.fail(member, "is longer than " + std::to_string(bytes_max) + " bytes");
    return text;
}

std::string read_text_or_empty(ObjectReader& reader, std::string_view member, std::size_t bytes_max) {
    std::string text = reader.optional_string(member).value_or("");
    if (text.size() > bytes_max)
        reader.fail(member, "is longer than " + std::to_string(bytes_max) + " bytes");
    return text;
}

std::string read_key(ObjectReader& reader, std::string_view member) {
    std::string text = reader.string(member);
    if (!is_key(text)) reader.fail(member, "must be a key: [a-z0-9][a-z0-9._-]{0,62}");
    return text;
}

}  // namespace meterbox::core
