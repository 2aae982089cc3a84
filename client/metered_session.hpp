// A session with the daemon, kept by its connection and found again when the daemon was restarted: the I/O
// around SessionWatch. It knows how long the command ran, so that nothing is lost while the daemon is gone:
// the daemon hears it with the session's end. Owns the stream; blocks only for the bounded time of a
// question. One thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "client/failure.hpp"
#include "client/session_watch.hpp"
#include "platform/system/clock.hpp"

namespace meterbox::client {

class MeteredSession {
public:
    // Called with the news of each event that says low.
    using OnLow = std::function<void(const SessionNews&)>;

    // Opens a session of an id of its own and waits for its first state. Refused, or no daemon: a Failure.
    static Outcome<MeteredSession> open(const std::string& socket, const std::string& resource,
                                        const std::string& subject, const platform::system::Clock& clock,
                                        OnLow on_low);

    int fd() const;  // to poll for input; -1 while the daemon is gone
    void read();     // takes in what came
    // Does what is due, and says why the command must stop, if it must.
    std::optional<StopReason> proceed();
    std::optional<core::MonotonicTime> wakes_at() const { return watch_.wakes_at(); }
    // Ends the session for a command that ended, or was told to, at that moment. done: all that it ran until
    // then is metered. later: the daemon is gone or can't store it; try again. refused: in vain.
    enum class Ending { done, later, refused };
    Ending end(core::MonotonicTime at);
    std::int64_t waits_for_us_ms() const { return heartbeat_ms_; }  // the daemon, after its restart
    // How long the command ran without the daemon, once end() said something else than done.
    std::int64_t unmetered_ms() const;
    const std::string& id() const { return id_; }

private:
    MeteredSession(std::string socket, std::string resource, std::string subject,
                   const platform::system::Clock& clock, OnLow on_low);

    core::Result<platform::http::UnixEventReader> post(std::chrono::milliseconds timeout) const;
    Outcome<void> await_first_state();
    void take(const platform::http::ServerEvent& event);
    void take(std::string_view document, std::string_view event_name);
    void reconnect();
    bool session_is_over();
    void ask();
    Ending end_session();
    Ending end_unheard();
    Ending report_rest();
    std::int64_t ran_ms(core::MonotonicTime until) const { return std::max<std::int64_t>(0, until - begun_); }
    core::Result<platform::http::ClientResponse> question(const std::string& method,
                                                          std::chrono::milliseconds timeout,
                                                          std::string body = {}) const;
    std::string path() const { return "/v1/sessions/" + id_; }

    std::string socket_;
    std::string resource_;
    std::string subject_;
    const platform::system::Clock* clock_;
    std::string id_;
    std::optional<platform::http::UnixEventReader> stream_;
    SessionWatch watch_;
    bool started_ = false;       // the first state of this id has come
    core::MonotonicTime begun_;  // by it, and by what was metered then
    std::int64_t heartbeat_ms_ = core::limits::heartbeat_default_ms;
    std::optional<core::MonotonicTime> lost_at_;  // the last stream that broke
    // It ended without us, with so much metered, and so did those that were to follow it, of whose beginning
    // we weren't told; the next one hasn't begun.
    std::optional<std::int64_t> over_with_;
    std::int64_t unaccounted_ms_ = 0;  // ran, and no session has metered it
    std::optional<core::MonotonicTime> ended_at_;
    bool ended_ = false;  // its end is stored
    OnLow on_low_;
};

}  // namespace meterbox::client
