// What to do next about a session that meters a command: pure, told of news and of the time, asked what is
// due. It promises that the command is stopped when the daemon says so, and, when the daemon is gone, once
// what was left at the last news must be used up; and that a session is looked for again until then.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/limits.hpp"
#include "core/time.hpp"

namespace meterbox::client {

enum class SessionState { active, low, stop, ended };

// What an event of the session's stream says, as far as it matters here.
struct SessionNews {
    SessionState state = SessionState::active;
    std::optional<std::int64_t> exhausts_in_ms;  // none: no end in sight; 0 to limits::amount_max
    std::int64_t metered_ms = 0;                 // 0 to limits::amount_max
    // For how long a daemon that was restarted waits for the session's product.
    std::int64_t heartbeat_ms = core::limits::heartbeat_default_ms;
};

// The news in an event's document, or in the answer to a question; the event's name stands for a state that
// the document doesn't name. none: it isn't JSON.
std::optional<SessionNews> session_news_from(std::string_view document, std::string_view event_name);

enum class StopReason {
    used_up,  // the daemon said stop, or refused to take the session up again for lack of balance
    alone,    // the daemon is gone, and what was left is used up
    ended,    // somebody ended the session
};

class SessionWatch {
public:
    enum class Action {
        none,       // until wakes_at() or news
        reconnect,  // try to open the stream again, then call reconnected(), failed() or refused()
        ask,        // the end should have come: ask for the session, then call heard() or failed()
        stop,       // for stop_reason(); final
    };

    void heard(const SessionNews& news, core::MonotonicTime now);
    void lost(core::MonotonicTime now);  // the stream closed without a word
    void reconnected() { connected_ = true; }
    void failed(core::MonotonicTime now);  // an attempt brought no answer
    void refused() { stop_reason_ = StopReason::used_up; }

    Action due(core::MonotonicTime now);
    std::optional<core::MonotonicTime> wakes_at() const;  // none: only news can change anything
    bool connected() const { return connected_; }
    std::optional<StopReason> stop_reason() const { return stop_reason_; }

private:
    bool connected_ = true;
    std::optional<core::MonotonicTime> exhausts_at_;
    core::MonotonicTime retry_at_;
    std::int64_t retry_delay_ms_ = 0;
    std::optional<StopReason> stop_reason_;
};

}  // namespace meterbox::client
