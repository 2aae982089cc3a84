// Who was refused at the door: handshakes that failed, certificates that don't count. Anybody can cause
// these at will, so at most one line is written in an interval, and says how many it stands for.
#pragma once

#include <mutex>
#include <string>

#include "core/limits.hpp"
#include "platform/system/clock.hpp"
#include "platform/system/log.hpp"

namespace meterbox::account {

class RefusalLog {
public:
    explicit RefusalLog(platform::system::Log& log) : log_(log) {}

    // Any thread. event: handshake.failed, agent.refused.
    void write(std::string_view event, const std::string& peer, const std::string& why) {
        const std::lock_guard lock(mutex_);
        const auto left_out = limit_.admit(clock_.monotonic_now());
        if (!left_out) return log_.debug(event, {{"peer", peer}, {"detail", why}});
        if (*left_out == 0) return log_.warn(event, {{"peer", peer}, {"detail", why}});
        log_.warn(event, {{"peer", peer}, {"detail", why}, {"left_out", *left_out}});
    }

private:
    platform::system::Log& log_;
    platform::system::SystemClock clock_;
    std::mutex mutex_;
    platform::system::LogLimit limit_{core::limits::refusal_log_spacing_ms};
};

}  // namespace meterbox::account
