// An HTTP/1.1 server for local APIs: keep-alive and pipelining, answers in order and written
// together, every wait and buffer bounded (Limits). It runs on the loop thread alone: handlers are
// called there, and Responder and EventStream are used and destroyed there. It sets no timer and
// wakes nobody while no connection waits for anything. What a path means is the handler's business.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "core/limits.hpp"
#include "platform/http/request.hpp"
#include "platform/http/response.hpp"

namespace meterbox::platform::http {

class Conversation;
class ServerCore;

struct Limits {
    std::size_t connections_max = core::limits::connections_default;  // more: 429 if it can be, and closed
    std::size_t header_bytes_max = core::limits::header_bytes_max;    // more: 431, and closed
    std::size_t body_bytes_max = core::limits::body_bytes_max;        // more: 413
    std::size_t dropped_body_bytes_max = core::limits::dropped_body_bytes_max;
    std::size_t pipelined_requests_max = core::limits::pipelined_requests_max;  // more: left unread
    std::size_t unsent_bytes_max = core::limits::unsent_bytes_max;              // more: left unread
    std::size_t held_bytes_max = core::limits::held_bytes_max;  // of bodies not answered yet, of a connection
    std::size_t all_held_bytes_max = core::limits::all_held_bytes_max;  // of all; more: left unread
    // Too many connections: the one that was idle, or in its handshake, longest goes, before a 429.
    bool yields_idle = false;
    std::int64_t request_timeout_ms = core::limits::request_timeout_ms;  // then 400, and closed
    std::int64_t idle_timeout_ms = core::limits::idle_timeout_ms;
    std::int64_t write_timeout_ms = core::limits::write_timeout_ms;
};

// Server-sent events to one client. Closed by close(), by destroying the last handle, or by the
// client's end. The answer ends with the connection; what the client sends after it is ignored.
class EventStream {
public:
    EventStream(std::weak_ptr<Conversation> conversation, boost::asio::io_context& context);
    EventStream(const EventStream&) = delete;
    EventStream& operator=(const EventStream&) = delete;
    ~EventStream();

    // False once it is closed, also because the client left more than Limits::unsent_bytes_max unread.
    bool send(std::string_view event, std::string_view data);
    // What was sent is still delivered.
    void close();
    bool is_open() const;
    // Called once, from the loop and not from within a call of this class, when the connection is
    // gone, for whatever reason; also when it is gone already.
    void on_close(std::function<void()> callback);

private:
    std::shared_ptr<Conversation> open_conversation() const;

    std::weak_ptr<Conversation> conversation_;  // may outlive it, and the server
    boost::asio::io_context* context_;
};

// The right, and duty, to answer one request: once, now or later. Answers of one connection go out
// in the order of its requests. Destroyed unanswered, it answers 500. An answer to a connection that
// is gone does nothing.
class Responder {
public:
    Responder(const std::shared_ptr<Conversation>& conversation, std::uint64_t number);
    Responder(Responder&&) noexcept = default;
    Responder& operator=(Responder&&) noexcept;
    ~Responder();

    void send(const Response& response);
    // Without a Response to build: content_type is used during the call alone.
    void send(int status, std::string_view content_type, std::string_view body);
    void send(const core::Error& error);
    // A connection has one: another on it is closed from the beginning.
    std::shared_ptr<EventStream> start_events(int status = 200);
    bool is_connected() const;  // false: nobody will read the answer

private:
    std::shared_ptr<Conversation> take_conversation();

    std::weak_ptr<Conversation> conversation_;  // may outlive it, and the server
    boost::asio::io_context* context_;
    std::uint64_t number_ = 0;
};

class Handler {
public:
    virtual ~Handler() = default;
    virtual void handle(const Request& request, Responder responder) = 0;
};

class Server {
public:
    Server(boost::asio::io_context& context, Handler& handler, Limits limits = {});
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    ~Server();  // stops

    // group: empty leaves it. mode: of the socket file, as 0660. A file left by a dead server is
    // replaced; a living one is an error. From the file's first moment nobody else can connect.
    [[nodiscard]] core::Result<void> listen_unix(const std::string& path, const std::string& group,
                                                 unsigned mode);
    // host: an IP address or "localhost". port 0: any free one.
    [[nodiscard]] core::Result<void> listen_tcp(const std::string& host, std::uint16_t port);
    std::uint16_t port() const;  // of the last listen_tcp or listen_tls; 0: none

    // The orderly end: takes no more connections and no more requests, removes its socket files, answers
    // what it has taken, and closes. done: once, when all that was owed is sent, or after timeout_ms;
    // never after stop(). Streams of events are their owners' to close.
    void drain(std::int64_t timeout_ms, std::function<void()> done);
    // Takes no more connections, removes its socket files, closes all connections.
    void stop();
    std::size_t connections() const;

    ServerCore& core() { return *core_; }  // for further kinds of listeners (tls_server.hpp)

private:
    std::shared_ptr<ServerCore> core_;
};

}  // namespace meterbox::platform::http
