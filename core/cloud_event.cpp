// CloudEvents in the JSON format, one or a batch of them, and which mode a request is in.
#include "core/cloud_event.hpp"

#include <array>
#include <boost/json/monotonic_resource.hpp>
#include <limits>

#include "core/cloud_event_rules.hpp"
#include "core/event_steps.hpp"
#include "core/json_reader.hpp"
#include "core/limits.hpp"

namespace meterbox::core {
namespace {

namespace json = boost::json;

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
        return malformed_member(name, "has control characters or noncharacters");
    }
    const std::int64_t* number = value.if_int64();
    if (number && *number >= std::numeric_limits<std::int32_t>::min() &&
        *number <= std::numeric_limits<std::int32_t>::max()) {
        return std::nullopt;
    }
    return malformed_member(name, "must be a string, a boolean or a 32 bit integer");
}

// An event in the JSON format, with what step two needs.
struct JsonEvent {
    EventAttributes attributes;
    const json::value* data = nullptr;
    std::optional<std::string> binary_data;  // decoded data_base64
};

std::optional<Error> read_member(std::string_view name, const json::value& value, JsonEvent& event) {
    if (EventAttributes::Text* slot = event.attributes.slot(name)) {
        if (value.is_null()) return std::nullopt;
        const json::string* text = value.if_string();
        if (!text) return malformed_member(name, "must be a string");
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
        if (!event.binary_data) return malformed_member(name, "must be a string in base64");
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
    if (event.data && event.binary_data)
        return malformed_member("data_base64", "and data can't both be there");
    return check_attributes(event.attributes, result);
}

std::optional<Error> take_json_event(const JsonEvent& event, UsageEvent& result) {
    if (auto error = take_attributes(event.attributes, result)) return error;
    if (!event.data && !event.binary_data) {
        return invalid_member("data", "is missing: it holds one of duration_ms, duration and quantity");
    }
    if (event.attributes.datacontenttype) {
        const std::optional<MediaType> type = parse_media_type(*event.attributes.datacontenttype);
        if (!type || !is_json(*type)) return invalid_member("datacontenttype", "must be application/json");
    }
    if (event.data) return under("/data", take_amount(*event.data, result));
    const Result<json::value> data = parse_json(*event.binary_data);
    if (!data) return invalid_member("data_base64", "must hold JSON: " + data.error().detail);
    return under("/data_base64", take_amount(*data, result));
}

Error in_batch(Error error, std::size_t index) {
    error.index = index;
    error.pointer.insert(0, "/" + std::to_string(index));
    return error;
}

// Of a batch that isn't JSON: the event in which this byte is, or none if it isn't inside of one.
std::optional<std::size_t> event_at(std::string_view batch, std::size_t position) {
    std::size_t index = 0;
    int depth = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < position && i < batch.size(); ++i) {
        const char c = batch[i];
        if (in_string) {
            if (c == '\\') ++i;
            if (c == '"') in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            ++depth;
        } else if (c == ']' || c == '}') {
            --depth;
        } else if (c == ',' && depth == 1) {
            ++index;
        }
    }
    if (depth < 2 || batch[batch.find_first_not_of(" \t\r\n")] != '[') return std::nullopt;
    return index;
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
    std::size_t position = 0;
    const Result<json::value> value = parse_json(body, &memory, &position);
    if (!value) {
        Error error = value.error();
        error.index = event_at(body, position);
        return error;
    }
    const json::array* array = value->if_array();
    if (!array) return Error{ErrorCode::malformed, "a batch must be an array of events", {}, {}};
    if (array->size() > limits::batch_events_max) {
        return Error{ErrorCode::too_large,
                     "a batch holds at most " + std::to_string(limits::batch_events_max) + " events",
                     {},
                     {}};
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

}  // namespace meterbox::core
