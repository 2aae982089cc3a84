// What the connections of one server share: its limits, its handler, the list of them, one coarse
// timer for all deadlines (armed only while some connection has one), and buffers to borrow.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "platform/http/conversation.hpp"
#include "platform/http/request_reader.hpp"
#include "platform/http/server.hpp"

namespace meterbox::platform::http {

// A place where clients connect.
class Listener {
public:
    virtual ~Listener() = default;
    virtual void stop() = 0;
};

class ServerCore : public std::enable_shared_from_this<ServerCore> {
public:
    ServerCore(boost::asio::io_context& context, Handler& handler, Limits limits);

    boost::asio::io_context& context() { return context_; }
    Handler& handler() { return handler_; }
    const Limits& limits() const { return limits_; }

    void add(std::shared_ptr<Listener> listener);
    void stop();
    bool is_stopped() const { return stopped_; }
    void drain(std::int64_t timeout_ms, std::function<void()> done);
    bool is_draining() const { return draining_; }
    void settled();  // a conversation owes nothing any more

    enum class Admission { taken, refused, turned_away };
    Admission admission();  // of one more connection
    bool yield_idle();      // drops the one that was idle longest
    void admit(std::shared_ptr<Conversation> conversation);
    void remove(Conversation& conversation);
    std::size_t connections() const { return conversations_.size(); }

    // Whether more requests can be taken: too much of what waits for its answer, and none are until half of
    // it is answered.
    bool has_room() const { return !full_; }
    void note_held(std::size_t before, std::size_t now);  // bytes of one connection's requests

    // Calls advance() soon, once for all answers given until then.
    void schedule(std::shared_ptr<Conversation> conversation);
    void post(std::function<void()> callback);

    std::int64_t now_ms() const;
    void watch(std::int64_t deadline_ms);  // a connection has this deadline

    std::span<char> scratch();  // to read into, used up before the next call
    std::unique_ptr<RequestReader> lend_reader();
    void give_back(std::unique_ptr<RequestReader> reader);

    std::uint16_t port = 0;

private:
    void advance_scheduled();
    void stop_listening();
    void check_drained();
    void drained();
    void sweep();

    boost::asio::io_context& context_;
    Handler& handler_;
    Limits limits_;
    boost::asio::steady_timer timer_;
    boost::asio::steady_timer drain_timer_;
    std::int64_t next_sweep_ms_;
    std::int64_t sweep_spacing_ms_;
    std::vector<std::shared_ptr<Listener>> listeners_;
    std::vector<std::shared_ptr<Conversation>> conversations_;
    std::size_t refused_ = 0;
    std::vector<std::shared_ptr<Conversation>> scheduled_;
    std::unique_ptr<char[]> scratch_;
    std::vector<std::unique_ptr<RequestReader>> readers_;
    std::function<void()> on_drained_;
    std::size_t held_bytes_ = 0;
    bool full_ = false;
    bool stopped_ = false;
    bool draining_ = false;
    bool check_posted_ = false;
};

}  // namespace meterbox::platform::http
