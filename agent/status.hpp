// What an admin can know of this agent, as one value taken at one moment: the parts fill it in, the
// admin's endpoint shows it as JSON (docs/API.md) and as metrics (docs/METRICS.md). It decides nothing,
// and what isn't known is none or empty, never a guess.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/card.hpp"
#include "core/time.hpp"
#include "core/trusted_clock.hpp"

namespace meterbox::agent {

enum class EnrollmentState { none, enrolled, expired, revoked, fenced, retired };
std::string_view name_of(EnrollmentState);

struct AgentStatus {
    std::string id;  // empty: not enrolled
    std::string name;
    std::string team;  // empty: not enrolled
    std::string version;
    core::UtcTime started_at;
    std::int64_t uptime_ms = 0;
};

struct EnrollmentStatus {
    EnrollmentState state = EnrollmentState::none;
    std::optional<core::UtcTime> certificate_expires_at;
    bool retiring = false;  // asked for, and not done yet
};

struct AccountStatus {
    std::string url;  // empty: none
    bool reachable = false;
    std::optional<core::UtcTime> last_sync_at;
    std::string last_error;  // empty: the last exchange went well
    std::optional<core::UtcTime> next_sync_at;
    std::int64_t consecutive_failures = 0;
    bool learning = false;  // it was put back, and grants nothing until it has heard all of the team's agents
};

struct PendingStatus {  // what the account hasn't acknowledged yet
    std::int64_t units = 0;
    std::int64_t usage_rows = 0;
};

enum class JournalState {
    ok,
    suspect,  // doubted: nothing is spent until the account has answered hello
    full,     // the disk is: new reports are refused
    fault,    // it can't be used at all
};
std::string_view name_of(JournalState);

struct JournalStatus {
    JournalState state = JournalState::ok;
    std::string detail;                  // of a state that isn't ok
    std::vector<std::string> set_aside;  // damaged journals that are kept, the oldest first
    std::string damage;                  // why the newest was, and what is known of what it held
    std::int64_t rows = 0;
    std::int64_t bytes = 0;
    std::optional<core::UtcTime> oldest;
    std::int64_t budget_bytes = 0;
};

struct ClockStatus {
    std::optional<core::UtcTime> trusted_now;  // none: nothing was ever trusted
    core::UtcTime wall_now;
    core::ClockQuality state = core::ClockQuality::unset;
};

struct SessionsStatus {
    std::int64_t active = 0;
};

// Since the agent started; they only rise.
struct AgentCounters {
    std::uint64_t reports = 0;     // requests that reported usage
    std::uint64_t refused = 0;     // requests of products that were refused, for whatever reason
    std::uint64_t events = 0;      // taken
    std::uint64_t duplicates = 0;  // events that had been taken before
    std::uint64_t syncs = 0;       // that succeeded
    std::uint64_t sync_failures = 0;
    std::uint64_t commits = 0;  // of the journal
    std::uint64_t commit_failures = 0;
};

struct StatusSnapshot {
    AgentStatus agent;
    EnrollmentStatus enrollment;
    AccountStatus account;
    std::vector<core::Card> cards;
    PendingStatus pending;
    JournalStatus journal;
    ClockStatus clock;
    SessionsStatus sessions;
    AgentCounters counters;
};

// The document of GET /status.
std::string status_json(const StatusSnapshot& status);

}  // namespace meterbox::agent
