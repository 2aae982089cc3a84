// CloudEvents in three modes, judged in two steps: first whether it is a CloudEvent at all
// (malformed, 400), then whether it is a report of usage (invalid, 422). The first goes before the
// second, in a batch over all of its events, so that what isn't a CloudEvent never passes for one.
#include "core/cloud_event.hpp"

#include <array>
#include <boost/json/monotonic_resource.hpp>
#include <limits>

#include "core/cloud_event_rules.hpp"
#include "core/json_reader.hpp"
#include "core/limits.hpp"

namespace meterbox::core {
namespace {

namespace json = boost::json;

std::string_view text_of(const json::string& text) {
    return {text.data(), text.size()};
}
std::string_view text_of(json::string_view text) {
    return {text.data(), text.size()};
}

// The attributes as sent; the texts live in the body or in the decoded headers.
struct Attributes {
    using Text = std::optional<std::string_view>;
    Text specversion, id, source, type, time, subject, dataschema, datacontenttype;

    // Where an attribute of the specification goes; null for an extension.
    Text* slot(std::string_view name) {
        if (name == "id") return &id;
        if (name == "source") return &source;
        if (name == "type") return &type;
        if (name == "time") return &time;
        if (name == "subject") return &subject;
        if (name == "specversion") return &specversion;
        if (name == "datacontenttype") return &datacontenttype;
        if (name == "dataschema") return &dataschema;
        return nullptr;
    }
};

// An error of an attribute or of the data; the name is the member's in the JSON format.
Error error_of(ErrorCode code, std::string_view member, std::string_view detail) {
    std::string pointer = "/" + std::string{member};
    return {code, std::string{member} + ' ' + std::string{detail}, {}, std::move(pointer)};
}
Error malformed(std::string_view member, std::string_view detail) {
    return error_of(ErrorCode::malformed, member, detail);
}
Error invalid(std::string_view member, std::string_view detail) {
    return error_of(ErrorCode::invalid, member, detail);
}

std::optional<Error> check_required(std::string_view name, const Attributes::Text& text) {
    if (!text) return malformed(name, "is missing: every CloudEvent has one");
    if (text->empty()) return malformed(name, "must not be empty");
    if (!is_attribute_text(*text)) return malformed(name, "has control characters or noncharacters");
    return std::nullopt;
}

std::optional<Error> check_optional(std::string_view name, const Attributes::Text& text) {
    return text ? check_required(name, text) : std::nullopt;
}

// Step one: is it a CloudEvent? Leaves the event's time in the result.
std::optional<Error> check_attributes(const Attributes& given, UsageEvent& event) {
    if (auto error = check_required("specversion", given.specversion)) return error;
    if (*given.specversion != "1.0") return malformed("specversion", "must be \"1.0\"");
    if (auto error = check_required("id", given.id)) return error;
    if (auto error = check_required("source", given.source)) return error;
    if (!is_uri_reference(*given.source)) return malformed("source", "must be a URI reference (RFC 3986)");
    if (auto error = check_required("type", given.type)) return error;
    if (auto error = check_optional("subject", given.subject)) return error;
    if (given.time) {
        event.time = parse_rfc3339(*given.time);
        if (!event.time) return malformed("time", "must be a time as in RFC 3339");
    }
    if (given.dataschema && !is_uri(*given.dataschema)) {
        return malformed("dataschema", "must be a URI with a scheme (RFC 3986)");
    }
    if (given.datacontenttype && !parse_media_type(*given.datacontenttype)) {
        return malformed("datacontenttype", "must be a media type (RFC 2046)");
    }
    return std::nullopt;
}

// Step two for the attributes: are they within the limits?
std::optional<Error> take_attributes(const Attributes& given, UsageEvent& event) {
    if (given.source->size() > limits::identity_bytes_max)
        return invalid("source", "is longer than 1024 bytes");
    if (given.id->size() > limits::identity_bytes_max) return invalid("id", "is longer than 1024 bytes");
    if (given.subject && given.subject->size() > limits::subject_bytes_max) {
        return invalid("subject", "is longer than 64 bytes");
    }
    event.source = *given.source;
    event.id = *given.id;
    event.type = *given.type;
    event.subject = given.subject.value_or("");
    event.time_as_sent = given.time.value_or("");
    return std::nullopt;
}

bool is_present(const json::value* value) {
    return value && !value->is_null();
}

std::optional<Error> take_integer(const json::value& value, std::string_view member, UsageEvent& event) {
    const std::int64_t* number = value.if_int64();
    if (number && *number >= 0 && *number <= limits::amount_max) {
        event.amount = Amount{*number};
        return std::nullopt;
    }
    return invalid(member, "must be an integer from 0 to 9007199254740991");
}

std::optional<Error> take_duration(const json::value& value, UsageEvent& event) {
    const json::string* text = value.if_string();
    const std::optional<std::int64_t> ms = text ? parse_iso8601_duration_ms(text_of(*text)) : std::nullopt;
    if (!ms || *ms > limits::amount_max) {
        return invalid("duration",
                       "must be an ISO 8601 duration such as PT12M30S: no years or months, no sign, "
                       "fractions of seconds to the millisecond");
    }
    event.amount = Amount{*ms};
    return std::nullopt;
}

// Step two for the data: exactly one amount. The pointers of errors begin at the data.
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

std::optional<Error> under(std::string_view prefix, std::optional<Error> error) {
    if (error) error->pointer.insert(0, prefix);
    return error;
}

// An extension's value: Boolean, Integer (32 bit) or String; the other types travel as strings.
std::optional<Error> check_extension(std::string_view name, const json::value& value) {
    if (!is_attribute_name(name)) {
        return Error{ErrorCode::malformed,
                     "a member's name isn't an attribute's: lower-case letters and digits alone",
                     {},
                     {}};
    }
    if (value.is_null() || value.is_bool()) return std::nullopt;
    if (const json::string* text = value.if_string()) {
        if (is_attribute_text(text_of(*text))) return std::nullopt;
        return malformed(name, "has control characters or noncharacters");
    }
    const std::int64_t* number = value.if_int64();
    if (number && *number >= std::numeric_limits<std::int32_t>::min() &&
        *number <= std::numeric_limits<std::int32_t>::max()) {
        return std::nullopt;
    }
    return malformed(name, "must be a string, a boolean or a 32 bit integer");
}

// An event in the JSON format, with what step two needs.
struct JsonEvent {
    Attributes attributes;
    const json::value* data = nullptr;
    std::optional<std::string> binary_data;  // decoded data_base64
};

std::optional<Error> read_member(std::string_view name, const json::value& value, JsonEvent& event) {
    if (Attributes::Text* slot = event.attributes.slot(name)) {
        if (value.is_null()) return std::nullopt;
        const json::string* text = value.if_string();
        if (!text) return malformed(name, "must be a string");
        *slot = text_of(*text);
        return std::nullopt;
    }
    if (name == "data") {
        if (!value.is_null()) event.data = &value;
        return std::nullopt;
    }
    if (name == "data_base64") {
        if (value.is_null()) return std::nullopt;
        if (value.is_string()) event.binary_data = decode_base64(text_of(value.get_string()));
        if (!event.binary_data) return malformed(name, "must be a string in base64");
        return std::nullopt;
    }
    return check_extension(name, value);
}

std::optional<Error> read_json_event(const json::value& value, JsonEvent& event, UsageEvent& result) {
    const json::object* object = value.if_object();
    if (!object) {
        return Error{ErrorCode::malformed,
                     "an event must be an object (a batch has a content type of its own: "
                     "application/cloudevents-batch+json)",
                     {},
                     {}};
    }
    for (const auto& member : *object) {
        if (auto error = read_member(text_of(member.key()), member.value(), event)) return error;
    }
    if (event.data && event.binary_data) return malformed("data_base64", "and data can't both be there");
    return check_attributes(event.attributes, result);
}

std::optional<Error> take_json_event(const JsonEvent& event, UsageEvent& result) {
    if (auto error = take_attributes(event.attributes, result)) return error;
    if (!event.data && !event.binary_data) {
        return invalid("data", "is missing: it holds one of duration_ms, duration and quantity");
    }
    if (event.attributes.datacontenttype) {
        const std::optional<MediaType> type = parse_media_type(*event.attributes.datacontenttype);
        if (!type || !is_json(*type)) return invalid("datacontenttype", "must be application/json");
    }
    if (event.data) return under("/data", take_amount(*event.data, result));
    const Result<json::value> data = parse_json(*event.binary_data);
    if (!data) return invalid("data_base64", "must hold JSON: " + data.error().detail);
    return under("/data_base64", take_amount(*data, result));
}

Error in_batch(Error error, std::size_t index) {
    error.index = index;
    error.pointer.insert(0, "/" + std::to_string(index));
    return error;
}

}  // namespace

std::optional<EventMode> event_mode(std::string_view content_type, bool has_ce_headers) {
    if (content_type == "application/cloudevents+json") return EventMode::structured;
    const std::optional<MediaType> type = parse_media_type(content_type);
    const bool is_cloudevents = type && equals_ignoring_case(type->type, "application") &&
                                equals_ignoring_case(type->subtype.substr(0, 11), "cloudevents");
    if (is_cloudevents) {
        if (!has_readable_charset(*type)) return std::nullopt;
        if (equals_ignoring_case(type->subtype, "cloudevents+json")) return EventMode::structured;
        if (equals_ignoring_case(type->subtype, "cloudevents-batch+json")) return EventMode::batched;
        return std::nullopt;  // another event format, such as XML
    }
    if (has_ce_headers) return EventMode::binary;
    return std::nullopt;
}

Result<UsageEvent> parse_structured_event(std::string_view body) {
    std::array<unsigned char, 4096> buffer;
    json::monotonic_resource memory{buffer.data(), buffer.size()};
    const Result<json::value> value = parse_json(body, &memory);
    if (!value) return value.error();
    JsonEvent event;
    UsageEvent result;
    if (auto error = read_json_event(*value, event, result)) return *std::move(error);
    if (auto error = take_json_event(event, result)) return *std::move(error);
    return result;
}

Result<std::vector<UsageEvent>> parse_event_batch(std::string_view body) {
    std::array<unsigned char, 16384> buffer;
    json::monotonic_resource memory{buffer.data(), buffer.size()};
    const Result<json::value> value = parse_json(body, &memory);
    if (!value) return value.error();
    const json::array* array = value->if_array();
    if (!array) return Error{ErrorCode::malformed, "a batch must be an array of events", {}, {}};
    if (array->size() > limits::batch_events_max) {
        return Error{ErrorCode::too_large, "a batch holds at most 10000 events", {}, {}};
    }
    std::vector<UsageEvent> results(array->size());
    std::optional<Error> first_invalid;
    for (std::size_t i = 0; i < array->size(); ++i) {
        JsonEvent event;
        if (auto error = read_json_event((*array)[i], event, results[i]))
            return in_batch(*std::move(error), i);
        if (first_invalid) continue;
        first_invalid = take_json_event(event, results[i]);
        if (first_invalid) first_invalid = in_batch(*std::move(first_invalid), i);
    }
    if (first_invalid) return *std::move(first_invalid);
    return results;
}

namespace {

// The decoded ce-* headers of one request; texts stay where they are while the event is read.
class EventHeaders {
public:
    std::optional<Error> take(std::string_view name, std::string_view value) {
        if (!equals_ignoring_case(name.substr(0, 3), "ce-")) return std::nullopt;
        std::string attribute{name.substr(3)};
        for (char& c : attribute) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        if (!is_attribute_name(attribute) || attribute == "data" || attribute == "datacontenttype") {
            return header_error(
                "a header isn't an attribute's: ce- and lower-case letters and digits, "
                "but not ce-data or ce-datacontenttype");
        }
        for (const auto& [other, text] : values_) {
            if (other == attribute) return header_error("ce-" + attribute + " is there twice");
        }
        std::optional<std::string> text = decode_header_value(value);
        if (!text || !is_attribute_text(*text)) {
            return header_error("ce-" + attribute + " isn't percent-encoded UTF-8 text");
        }
        values_.emplace_back(std::move(attribute), *std::move(text));
        return std::nullopt;
    }

    Attributes attributes() const {
        Attributes result;
        for (const auto& [name, text] : values_) {
            if (Attributes::Text* slot = result.slot(name)) *slot = text;
        }
        return result;
    }

private:
    static Error header_error(std::string detail) {
        return {ErrorCode::malformed, std::move(detail), {}, {}};
    }

    std::vector<std::pair<std::string, std::string>> values_;
};

// Pointers go into the body, and what is wrong here is in a header.
Error of_header(Error error) {
    error.detail.insert(0, "ce-");
    error.pointer.clear();
    return error;
}

bool is_json_body(std::string_view content_type) {
    if (content_type.empty()) return true;
    const std::optional<MediaType> type = parse_media_type(content_type);
    return type && is_json(*type) && has_readable_charset(*type);
}

}  // namespace

Result<UsageEvent> parse_binary_event(const HeaderVisitor& headers, std::string_view content_type,
                                      std::string_view body) {
    EventHeaders taken;
    std::optional<Error> first_error;
    headers([&](std::string_view name, std::string_view value) {
        if (!first_error) first_error = taken.take(name, value);
    });
    if (first_error) return *std::move(first_error);
    const Attributes attributes = taken.attributes();
    UsageEvent result;
    if (auto error = check_attributes(attributes, result)) return of_header(*std::move(error));
    if (!body.empty() && !is_json_body(content_type)) {
        return Error{ErrorCode::unsupported_media_type, "the data must be application/json in UTF-8", {}, {}};
    }
    std::array<unsigned char, 2048> buffer;
    json::monotonic_resource memory{buffer.data(), buffer.size()};
    Result<json::value> data = body.empty() ? Result<json::value>{nullptr} : parse_json(body, &memory);
    if (!data) return data.error();
    if (auto error = take_attributes(attributes, result)) return of_header(*std::move(error));
    if (auto error = take_amount(*data, result)) return *std::move(error);
    return result;
}

}  // namespace meterbox::core
