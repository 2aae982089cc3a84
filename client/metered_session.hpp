// A session with the daemon, kept by its connection and found again when the daemon was restarted: the I/O
// around SessionWatch. Owns the stream; blocks only for the bounded time of a question. One thread.
#pragma once

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
    // Ends the session, so that all of it is metered when this returns. False: the daemon didn't answer.
    bool end();

private:
    MeteredSession(std::string socket, std::string resource, std::string subject,
                   const platform::system::Clock& clock, OnLow on_low);

    core::Result<platform::http::UnixEventReader> post(std::chrono::milliseconds timeout) const;
    Outcome<void> await_first_state();
    void take(const platform::http::ServerEvent& event);
    void take(std::string_view document, std::string_view event_name);
    void reconnect();
    void ask();
    std::string path() const { return "/v1/sessions/" + id_; }

    std::string socket_;
    std::string resource_;
    std::string subject_;
    const platform::system::Clock* clock_;
    std::string id_;
    std::optional<platform::http::UnixEventReader> stream_;
    SessionWatch watch_;
    bool started_ = false;  // the first state has come
    OnLow on_low_;
};

}  // namespace meterbox::client
