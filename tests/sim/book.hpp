// What products know of their own usage: the facts that a bill must agree with. What they reported and was
// acknowledged, what they reported and heard nothing of, and what they were told of their sessions.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/time.hpp"

namespace meterbox::sim {

struct ReportedEvent {
    std::string resource;
    std::string subject;
    std::int64_t amount = 0;
    std::optional<core::UtcTime> time;  // none: the agent's
    bool acknowledged = false;
    core::UtcTime acknowledged_at;  // last
    // As the mode was whenever it was sent or answered: the agent took it in one of these moments.
    bool may_count = false;
    bool may_not_count = false;
};

struct KnownSession {
    std::string resource;
    bool by_connection = false;
    std::int64_t quantity = 1;
    bool holds = false;  // units of a returnable resource
    // When its product asked for it first, on the machine's clock, and in which boot and run of the agent.
    core::MonotonicTime asked_at;
    int boot = 0;
    std::uint64_t run = 0;
    int restores = 0;    // of its disk
    bool began = false;  // its product heard so
    core::MonotonicTime began_at;
    bool at_once = false;  // in the same moment
    bool told_to_stop = false;
    bool end_asked = false;
    bool ended_before = false;  // asked for more than once
    std::int64_t ran_ms = 0;    // since it was asked for, when its end was first asked for
    core::MonotonicTime gone_at;
    bool gone = false;                    // its product gives no sign of life any more
    std::optional<std::int64_t> metered;  // it ended, and this was its product told
    core::UtcTime told_at;                // then
};

struct Book {
    std::map<std::string, ReportedEvent> events;
    std::map<std::string, KnownSession> sessions;

    bool all_acknowledged() const {
        for (const auto& [id, event] : events)
            if (!event.acknowledged) return false;
        return true;
    }
};

}  // namespace meterbox::sim
