// An event in the making: its attributes as sent, and the two steps in which every mode judges it.
// First whether it is a CloudEvent at all (malformed, 400), then whether it is a report of usage
// (invalid, 422). In a batch the first step is taken for all events before the second for any, so
// that what isn't a CloudEvent never passes for one. Inside core only.
#pragma once

#include <boost/json/value.hpp>
#include <optional>
#include <string_view>

#include "core/cloud_event.hpp"

namespace meterbox::core {

// The attributes as sent; the texts live in the body or in the decoded headers.
struct EventAttributes {
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

inline std::string_view text_of(boost::json::string_view text) {
    return {text.data(), text.size()};
}

// Errors name the member of the JSON format, in words and as a pointer.
Error malformed_member(std::string_view member, std::string_view detail);
Error invalid_member(std::string_view member, std::string_view detail);

// Step one. Leaves the event's time in the result.
std::optional<Error> check_attributes(const EventAttributes& given, UsageEvent& event);

// Step two: the attributes, then the amount, whose pointers begin at the data.
std::optional<Error> take_attributes(const EventAttributes& given, UsageEvent& event);
std::optional<Error> take_amount(const boost::json::value& data, UsageEvent& event);

}  // namespace meterbox::core
