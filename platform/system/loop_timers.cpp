#include "platform/system/loop_timers.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <utility>

namespace meterbox::platform::system {

namespace {

// What a handler that is already queued still finds when its timer was cancelled, armed anew or destroyed.
struct State {
    std::function<void()> callback;
    std::uint64_t arming = 0;  // the one that counts
};

class LoopTimer final : public Timer {
public:
    LoopTimer(boost::asio::io_context& loop, std::function<void()> callback)
        : timer_(loop), state_(std::make_shared<State>(State{std::move(callback)})) {}
    ~LoopTimer() override { ++state_->arming; }

    void arm(std::int64_t after_ms) override {
        timer_.expires_after(std::chrono::milliseconds(std::max<std::int64_t>(0, after_ms)));
        timer_.async_wait([state = state_, arming = ++state_->arming](const boost::system::error_code&) {
            if (state->arming == arming) state->callback();
        });
    }
    void cancel() override {
        ++state_->arming;
        timer_.cancel();
    }

private:
    boost::asio::steady_timer timer_;
    std::shared_ptr<State> state_;
};

}  // namespace

std::unique_ptr<Timer> LoopTimers::make(std::function<void()> callback) {
    return std::make_unique<LoopTimer>(loop_, std::move(callback));
}

}  // namespace meterbox::platform::system
