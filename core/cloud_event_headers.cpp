// CloudEvents in binary mode: attributes in ce-* headers, the data in the body.
#include <array>
#include <boost/json/monotonic_resource.hpp>
#include <utility>

#include "core/cloud_event_rules.hpp"
#include "core/event_steps.hpp"
#include "core/json_reader.hpp"

namespace meterbox::core {
namespace {

namespace json = boost::json;

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

    EventAttributes attributes() const {
        EventAttributes result;
        for (const auto& [name, text] : values_) {
            if (EventAttributes::Text* slot = result.slot(name)) *slot = text;
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
    const EventAttributes attributes = taken.attributes();
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
