#include "core/event_steps.hpp"

#include "core/cloud_event_rules.hpp"
#include "core/limits.hpp"

namespace meterbox::core {
namespace {

namespace json = boost::json;

Error error_of(ErrorCode code, std::string_view member, std::string_view detail) {
    std::string pointer = "/" + std::string{member};
    return {code, std::string{member} + ' ' + std::string{detail}, {}, std::move(pointer)};
}

std::string longer_than(std::size_t bytes) {
    return "is longer than " + std::to_string(bytes) + " bytes";
}

std::optional<Error> check_required(std::string_view name, const EventAttributes::Text& text) {
    if (!text) return malformed_member(name, "is missing: every CloudEvent has one");
    if (text->empty()) return malformed_member(name, "must not be empty");
    if (!is_attribute_text(*text)) return malformed_member(name, "has control characters or noncharacters");
    return std::nullopt;
}

std::optional<Error> check_optional(std::string_view name, const EventAttributes::Text& text) {
    return text ? check_required(name, text) : std::nullopt;
}

bool is_present(const json::value* value) {
    return value && !value->is_null();
}

// RFC 3339 has times that our calendar hasn't: in the year 0, and where an offset leads out of the years 1 to
// 9999. They are as good as in a year nearby that is a leap year, too, or isn't: far too old, or far ahead.
std::optional<UtcTime> time_of(std::string_view sent) {
    if (const auto time = parse_rfc3339(sent)) return time;
    std::string text{sent};
    if (text.starts_with("0000-")) text[3] = '4';
    if (text.starts_with("0001-") || text.starts_with("9999-")) text[3] = '5';
    return parse_rfc3339(text);
}

std::optional<Error> take_integer(const json::value& value, std::string_view member, UsageEvent& event) {
    const std::int64_t* number = value.if_int64();
    if (number && *number >= 0 && *number <= limits::amount_max) {
        event.amount = Amount{*number};
        return std::nullopt;
    }
    return invalid_member(member, "must be an integer from 0 to 9007199254740991");
}

std::optional<Error> take_duration(const json::value& value, UsageEvent& event) {
    const json::string* text = value.if_string();
    const std::optional<std::int64_t> ms = text ? parse_iso8601_duration_ms(text_of(*text)) : std::nullopt;
    if (!ms || *ms > limits::amount_max) {
        return invalid_member("duration",
                              "must be an ISO 8601 duration such as PT12M30S: no years or months, no sign, "
                              "fractions of seconds to the millisecond");
    }
    event.amount = Amount{*ms};
    return std::nullopt;
}

}  // namespace

Error malformed_member(std::string_view member, std::string_view detail) {
    return error_of(ErrorCode::malformed, member, detail);
}
Error invalid_member(std::string_view member, std::string_view detail) {
    return error_of(ErrorCode::invalid, member, detail);
}

std::optional<Error> check_attributes(const EventAttributes& given, UsageEvent& event) {
    if (auto error = check_required("specversion", given.specversion)) return error;
    if (*given.specversion != "1.0") return malformed_member("specversion", "must be \"1.0\"");
    if (auto error = check_required("id", given.id)) return error;
    if (auto error = check_required("source", given.source)) return error;
    if (!is_uri_reference(*given.source))
        return malformed_member("source", "must be a URI reference (RFC 3986)");
    if (auto error = check_required("type", given.type)) return error;
    if (auto error = check_optional("subject", given.subject)) return error;
    if (given.time) {
        event.time = time_of(*given.time);
        if (!event.time) return malformed_member("time", "must be a time as in RFC 3339");
    }
    if (given.dataschema && !is_uri(*given.dataschema)) {
        return malformed_member("dataschema", "must be a URI with a scheme (RFC 3986)");
    }
    if (given.datacontenttype && !parse_media_type(*given.datacontenttype)) {
        return malformed_member("datacontenttype", "must be a media type (RFC 2046)");
    }
    return std::nullopt;
}

std::optional<Error> take_attributes(const EventAttributes& given, UsageEvent& event) {
    if (given.source->size() > limits::identity_bytes_max) {
        return invalid_member("source", longer_than(limits::identity_bytes_max));
    }
    if (given.id->size() > limits::identity_bytes_max) {
        return invalid_member("id", longer_than(limits::identity_bytes_max));
    }
    if (given.subject && given.subject->size() > limits::subject_bytes_max) {
        return invalid_member("subject", longer_than(limits::subject_bytes_max));
    }
    event.source = *given.source;
    event.id = *given.id;
    event.type = *given.type;
    event.subject = given.subject.value_or("");
    event.time_as_sent = given.time.value_or("");
    return std::nullopt;
}

std::optional<Error> take_amount(const json::value& data, UsageEvent& event) {
    static constexpr std::string_view what =
        "must be an object with exactly one of duration_ms, duration and quantity";
    const json::object* object = data.if_object();
    if (!object) return Error{ErrorCode::invalid, "data " + std::string{what}, {}, {}};
    const json::value* duration_ms = object->if_contains("duration_ms");
    const json::value* duration = object->if_contains("duration");
    const json::value* quantity = object->if_contains("quantity");
    if (is_present(duration_ms) + is_present(duration) + is_present(quantity) != 1) {
        return Error{ErrorCode::invalid, "data " + std::string{what}, {}, {}};
    }
    event.measure = is_present(quantity) ? Measure::count : Measure::duration;
    if (is_present(duration_ms)) return take_integer(*duration_ms, "duration_ms", event);
    if (is_present(quantity)) return take_integer(*quantity, "quantity", event);
    return take_duration(*duration, event);
}

}  // namespace meterbox::core
