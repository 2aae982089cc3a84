// Forgetting: events, their identities, ended sessions and usage go when they are past their age, a slice
// at a time between commits. Usage that the account hasn't acknowledged is never touched (I21), and where
// nothing is old enough nothing is written. Ages count by the earliest time that the trusted clock vouches
// for, so that a clock set forward forgets nothing. Where the journal outgrows its budget, the oldest events
// go before their time, if the account has heard of them; their usage and their identities stay for theirs.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>

#include "agent/agent_time.hpp"
#include "agent/journal.hpp"
#include "core/limits.hpp"
#include "platform/store/store_thread.hpp"
#include "platform/system/timer.hpp"

namespace meterbox::agent {

struct RetentionSettings {
    std::int64_t keep_events_ms = 0;
    std::int64_t keep_usage_ms = 0;
    std::int64_t budget_bytes = std::numeric_limits<std::int64_t>::max();  // of the journal's files
    std::int64_t links_kept = core::limits::chain_links_kept;
};

// What one sweep took away.
struct Forgotten {
    std::int64_t events = 0;
    std::int64_t identities = 0;
    std::int64_t sessions = 0;
    std::int64_t usage_rows = 0;                // of usage, and of units by hour
    std::optional<core::UtcTime> oldest_event;  // of those left, if any event went
    std::int64_t room_bytes = 0;                // until the budget would have events go
    std::optional<core::Error> failure;         // why it was cut short: the rest goes with the next sweep
};

class RetentionTables;

// Loop thread only.
class Retention {
public:
    using Done = std::function<void(const Forgotten&)>;  // after each sweep, and when one is cut short

    // Throws std::runtime_error if the journal can't be read.
    Retention(platform::system::Timers& timers, AgentTime& time, Journal& journal,
              platform::store::StoreThread& store, RetentionSettings settings, Done done);
    ~Retention();

    void start();  // soon, and then once an hour
    void stop();
    void sweep();  // now, unless one is under way

private:
    void arm(std::int64_t wait_ms);

    std::unique_ptr<platform::system::Timer> timer_;
    AgentTime& time_;
    Journal& journal_;
    platform::store::StoreThread& store_;
    RetentionSettings settings_;
    Done done_;
    std::unique_ptr<RetentionTables> tables_;
    std::optional<std::int64_t> walked_day_;  // on which the tables without order by age were gone through
    bool sweeping_ = false;
    bool started_ = false;
};

}  // namespace meterbox::agent
