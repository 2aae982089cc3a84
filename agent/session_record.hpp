// A session as the journal keeps it: who runs what, and how much of it has been metered up to which
// moment of the monotonic clock. The mark and the stop count only within the boot they
// were taken in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/quantity.hpp"
#include "core/time.hpp"

namespace meterbox::agent {

enum class SessionKeeping { connection, heartbeat };  // what keeps it alive

struct SessionRecord {
    std::string id;
    std::string resource;
    std::string subject;  // empty: none
    SessionKeeping keeping = SessionKeeping::connection;
    std::uint32_t uid = 0;    // of the product that asked for it
    core::Units quantity{1};  // units of a returnable resource that it holds
    core::UtcTime started_at;
    core::Amount metered;
    core::Units completed_at_start;  // of the resource, when it began
    std::string boot_id;
    core::MonotonicTime mark;  // metered up to here
    // It was told to stop: its time is metered up to here and not further, whenever its product confirms it.
    std::optional<core::MonotonicTime> stop_at;
    std::optional<core::UtcTime> ended_at;
    core::Units units_completed;  // of the resource while it ran; set when it ended
    core::Amount remainder;       // of the resource when it ended
};

}  // namespace meterbox::agent
