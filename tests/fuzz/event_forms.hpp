// A report of usage written in the two forms that the fuzz targets compare: as a structured CloudEvent, and
// in binary mode, with every byte of a header's value percent-encoded that may be.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <string>
#include <utility>
#include <vector>

#include "core/cloud_event.hpp"
#include "core/limits.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace meterbox::fuzz {

inline boost::json::object data_of(const core::UsageEvent& event) {
    return {{event.measure == core::Measure::count ? "quantity" : "duration_ms", event.amount.value()}};
}

inline std::string structured(const core::UsageEvent& event) {
    boost::json::object object{{"specversion", "1.0"}, {"id", event.id}, {"source", event.source}};
    object["type"] = event.type;
    if (!event.subject.empty()) object["subject"] = event.subject;
    if (!event.time_as_sent.empty()) object["time"] = event.time_as_sent;
    object["data"] = data_of(event);
    return boost::json::serialize(object);
}

inline std::string percent_encoded(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string encoded;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        encoded += '%';
        encoded += digits[byte >> 4];
        encoded += digits[byte & 15];
    }
    return encoded;
}

using Headers = std::vector<std::pair<std::string, std::string>>;

inline core::Result<core::UsageEvent> parse_binary(const Headers& headers, std::string_view content_type,
                                                   std::string_view body) {
    const core::HeaderVisitor visit = [&headers](const auto& take) {
        for (const auto& [name, value] : headers) take(name, value);
    };
    return core::parse_binary_event(visit, content_type, body);
}

inline core::Result<core::UsageEvent> by_headers(const core::UsageEvent& event) {
    Headers headers{{"Ce-Specversion", "1.0"}, {"CE-ID", percent_encoded(event.id)}};
    headers.emplace_back("ce-source", percent_encoded(event.source));
    headers.emplace_back("ce-type", percent_encoded(event.type));
    if (!event.subject.empty()) headers.emplace_back("ce-subject", percent_encoded(event.subject));
    if (!event.time_as_sent.empty()) headers.emplace_back("ce-time", percent_encoded(event.time_as_sent));
    return parse_binary(headers, "application/json", boost::json::serialize(data_of(event)));
}

inline bool same(const core::UsageEvent& a, const core::UsageEvent& b) {
    return a.source == b.source && a.id == b.id && a.type == b.type && a.subject == b.subject &&
           a.time == b.time && a.time_as_sent == b.time_as_sent && a.amount == b.amount &&
           a.measure == b.measure;
}

// Whatever form it came in, an event that was taken is within its limits, and the same in every form.
inline void check_event(const core::UsageEvent& event) {
    using namespace core;
    METERBOX_ASSERT(event.amount.value() >= 0 && event.amount.value() <= limits::amount_max);
    METERBOX_ASSERT(!event.id.empty() && event.id.size() <= limits::identity_bytes_max);
    METERBOX_ASSERT(!event.source.empty() && event.source.size() <= limits::identity_bytes_max);
    METERBOX_ASSERT(!event.type.empty() && event.subject.size() <= limits::subject_bytes_max);
    METERBOX_ASSERT(event.time.has_value() == !event.time_as_sent.empty());
    const auto by_json = parse_structured_event(structured(event));
    METERBOX_ASSERT(by_json && same(*by_json, event));
    const auto binary = by_headers(event);
    METERBOX_ASSERT(binary && same(*binary, event));
}

}  // namespace meterbox::fuzz
