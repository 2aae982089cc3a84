// A session as a product sees it (docs/API.md), and its JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/quantity.hpp"
#include "core/time.hpp"

namespace meterbox::agent {

enum class SessionState { active, low, stop, ended };
std::string_view name_of(SessionState);

struct SessionView {
    std::string id;
    std::string resource;
    std::string subject;
    SessionState state = SessionState::active;
    core::UtcTime started_at;
    core::Amount metered;                 // ms, what runs since the last checkpoint included
    core::Amount available;               // of the resource, in the measure
    std::optional<core::Units> quantity;  // held, of a returnable resource
    std::int64_t heartbeat_ms = 0;
    std::optional<std::int64_t> exhausts_in_ms;  // none: it doesn't run, or nothing stops it
    core::UtcTime as_of;
    core::Units units_completed;  // of the resource while it ran; ended sessions
    core::Amount remainder;       // of the resource when it ended
};

std::string session_json(const SessionView& session);

}  // namespace meterbox::agent
