// The real timers: Asio's, on the loop that is given, which must outlive them.
#pragma once

#include "platform/system/timer.hpp"

namespace boost::asio {
class io_context;
}

namespace meterbox::platform::system {

class LoopTimers final : public Timers {
public:
    explicit LoopTimers(boost::asio::io_context& loop) : loop_(loop) {}
    std::unique_ptr<Timer> make(std::function<void()> callback) override;

private:
    boost::asio::io_context& loop_;
};

}  // namespace meterbox::platform::system
