// A report of usage as a product sends it: CloudEvents 1.0 in its three HTTP modes, parsed once at
// the edge into values that the rest trusts (docs/API.md). Knows nothing of resources or identities
// already seen: what it can't judge without them (wrong measure, 409, range of time) is judged where
// they are.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/quantity.hpp"
#include "core/resource.hpp"
#include "core/time.hpp"

namespace meterbox::core {

struct UsageEvent {
    std::string source;
    std::string id;
    std::string type;             // the resource's key
    std::string subject;          // empty: none
    std::optional<UtcTime> time;  // none: now
    std::string time_as_sent;     // for the comparison of contents; empty: none
    Amount amount;
    Measure measure = Measure::duration;  // of the amount member that was given
};

enum class EventMode { binary, structured, batched };

// By content type: application/cloudevents+json is structured, application/cloudevents-batch+json
// batched (parameters such as charset=utf-8 allowed), anything else binary if the request has a
// ce-specversion header. none: 415.
std::optional<EventMode> event_mode(std::string_view content_type, bool has_ce_headers);

// A header of the request by lower-case name; none if absent.
using HeaderLookup = std::function<std::optional<std::string_view>(std::string_view name)>;
// Calls visit(name, value) for each header of the request.
using HeaderVisitor = std::function<void(const std::function<void(std::string_view, std::string_view)>&)>;

[[nodiscard]] Result<UsageEvent> parse_structured_event(std::string_view body);
[[nodiscard]] Result<std::vector<UsageEvent>> parse_event_batch(std::string_view body);
// ce-* headers, percent-decoded as the CloudEvents HTTP binding 3.1.3.2 says; the body is the data,
// JSON by its content type (application/json or +json; none means JSON), else 415.
[[nodiscard]] Result<UsageEvent> parse_binary_event(const HeaderVisitor& headers,
                                                    std::string_view content_type, std::string_view body);

}  // namespace meterbox::core
