// When an agent talks to its account, and what it says first: a state machine without I/O. It is
// told what happened (enrolled, woken for a reason, an exchange ended) and answers what is next. No
// failure ever ends the plan: everything is tried again, with backoff (core/backoff.hpp).
#pragma once

#include <cstdint>
#include <optional>

#include "core/limits.hpp"
#include "core/time.hpp"

namespace meterbox::core {

// Why a sync is asked for before its time, the most urgent first.
enum class SyncReason {
    asked,       // an admin, or a session that waits for units: at once, even during backoff
    more,        // the last sync could not carry everything: at once, but not during backoff
    completion,  // a unit was completed, or half of the lease is used: at most one a second, not during
                 // backoff
};

class SyncPlan {
public:
    enum class Step { idle, hello, sync, wait };
    struct Next {
        Step step = Step::idle;
        std::int64_t wait_ms = 0;  // with Step::wait: ask again after so long, or when woken
    };

    explicit SyncPlan(std::int64_t interval_ms) : interval_ms_(interval_ms) {}

    // The agent has (or has lost) an identity to speak with. A session begins with hello.
    void set_enrolled(bool enrolled, BootTime now);
    void set_interval(std::int64_t interval_ms);

    // During an exchange too, which may have begun without what the reason stands for: then the next
    // one follows when it has ended well, also where it is a retry itself. If it fails, the retry carries it.
    void wake(SyncReason reason, BootTime now);

    // What to do now. Nothing may be in flight; an exchange that it asks for must begin at once.
    Next next(BootTime now);

    void hello_succeeded(BootTime now);
    // random: for the jitter, which only shortens the interval (by up to a tenth).
    void sync_succeeded(BootTime now, std::optional<std::int64_t> next_sync_ms, std::uint64_t random);
    // The account doesn't know the session any more: say hello again, at once the first time.
    void session_lost(BootTime now, std::uint64_t random);
    void failed(BootTime now, std::uint64_t random);
    // The account serves this agent no more, which an operator has decided: it is asked again, but seldom.
    void turned_away(BootTime now, std::uint64_t random);

    int consecutive_failures() const { return failures_; }
    BootTime due() const { return due_; }

private:
    BootTime time_for(SyncReason reason, BootTime now) const;

    std::int64_t interval_ms_;
    bool enrolled_ = false;
    bool in_session_ = false;
    int failures_ = 0;
    int sessions_lost_ = 0;
    BootTime due_{};                     // the next exchange, by the plan
    std::optional<SyncReason> woken_;    // the most urgent since the last exchange began
    std::optional<BootTime> last_sync_;  // that succeeded
};

}  // namespace meterbox::core
