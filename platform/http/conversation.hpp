// One connection's HTTP, without its socket: bytes in, handler calls, bytes out in the order of the
// requests. A shell (socket_connection.hpp, tls_server.cpp) moves the bytes, and asks after each step
// what it may do next. All calls on the loop thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "platform/http/answer_queue.hpp"
#include "platform/http/request.hpp"
#include "platform/http/request_reader.hpp"
#include "platform/http/response_text.hpp"
#include "platform/http/server.hpp"

namespace meterbox::platform::http {

class ServerCore;

class Conversation : public std::enable_shared_from_this<Conversation> {
public:
    Conversation(std::shared_ptr<ServerCore> core, Peer peer);
    Conversation(const Conversation&) = delete;
    Conversation& operator=(const Conversation&) = delete;
    virtual ~Conversation();

    // For Responder and EventStream. number: of the request.
    void answer(std::uint64_t number, int status, std::string_view content_type, std::string_view body,
                const AnswerHeaders& headers);
    bool is_answered(std::uint64_t number) const;
    bool start_events(std::uint64_t number, int status);
    bool send_event(std::string_view event, std::string_view data);
    void close_events();
    bool has_open_events() const { return events_ == Events::open && phase_ != Phase::gone; }
    void on_gone(std::function<void()> callback) { on_gone_ = std::move(callback); }  // while it isn't
    boost::asio::io_context& context();
    bool is_gone() const { return phase_ == Phase::gone; }

    // For ServerCore.
    virtual void advance() = 0;      // there may be something to write or read
    virtual void write_answers() {}  // what can go at once; advance() follows and does the rest
    void expire(std::int64_t now_ms);
    std::int64_t deadline_ms() const { return deadline_ms_; }
    void refuse_requests() { refused_ = true; }  // one connection too many: 429
    bool is_refused() const { return refused_; }
    void take_no_more();      // answers what it owes, and closes
    bool is_settled() const;  // all that was owed is sent
    bool is_idle() const;     // between requests
    bool is_greeting() const {
        return phase_ == Phase::open && given_until_ms_ != never;
    }  // before the first
    std::int64_t last_active_ms() const { return last_active_ms_; }
    void wake();  // calls advance() soon
    void drop();  // at once; what is unsent is lost
    bool scheduled = false;
    std::size_t place = 0;  // in ServerCore's list

protected:
    static constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

    // For the shell. It wraps what it does in one turn: answers given within it don't wake it again.
    class Turn;
    bool wants_input() const;
    void take_input(std::string_view bytes);
    void end_of_input();    // the client sends no more, but may still read
    bool handle_pending();  // requests that were left; true: something was done
    std::string_view unsent() const { return answers_.unsent(); }
    // For a shell that must hold the bytes still while it writes them: sent() is owed for all of them.
    std::string take_unsent() { return answers_.take_unsent(); }
    void sent(std::size_t bytes);
    bool wants_shutdown() const;  // all is answered and sent: end the sending side, then was_shut_down()
    void was_shut_down();
    void update_deadline();
    void give_until(std::int64_t deadline_ms);  // dropped then, unless it is given longer
    bool is_streaming() const { return events_ != Events::none; }
    bool has_input_ended() const { return input_ended_; }
    ServerCore& core() { return *core_; }
    Peer& peer() { return peer_; }

    virtual void close_stream() = 0;  // the shell's part of drop()

private:
    enum class Phase {
        open,
        answering,  // no more requests are taken, what is owed is still answered
        lingering,  // all was answered and the sending side ended: wait for the client to take it
        gone,
    };
    enum class Events { none, open, closed };
    bool may_handle() const;
    void parse(std::string_view& input);
    void handle_request();
    void refuse(const core::Error& error, bool close);
    void refuse_rest();
    void finish(std::uint64_t number);
    void owe_continue();
    void account_for_held();
    void give_back_reader();
    std::int64_t write_deadline_ms() const;
    std::int64_t request_deadline_ms() const;
    std::int64_t rest_deadline_ms() const;

    std::shared_ptr<ServerCore> core_;
    Peer peer_;
    std::unique_ptr<RequestReader> reader_;  // of a request that has begun
    std::string pending_;                    // input that wasn't taken yet
    AnswerQueue answers_;
    std::uint64_t events_number_ = 0;  // of the answer that is a stream
    std::size_t dropped_ = 0;
    std::size_t held_bytes_ = 0;  // as the server knows them
    std::function<void()> on_gone_;
    std::int64_t deadline_ms_ = never;
    std::int64_t given_until_ms_ = never;
    std::int64_t request_began_ms_ = 0;  // 0: none has
    std::int64_t write_began_ms_ = 0;    // or went on; 0: nothing waits to be written
    std::int64_t last_active_ms_ = 0;
    std::int64_t lingering_since_ms_ = 0;
    Phase phase_ = Phase::open;
    Events events_ = Events::none;
    bool in_turn_ = false;
    bool input_ended_ = false;
    bool refused_ = false;
    bool continue_owed_ = false;
    bool starved_ = false;  // what is pending is of no use without more
};

class Conversation::Turn {
public:
    explicit Turn(Conversation& conversation) : conversation_(conversation) { conversation_.in_turn_ = true; }
    ~Turn() { conversation_.in_turn_ = false; }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

private:
    Conversation& conversation_;
};

}  // namespace meterbox::platform::http
