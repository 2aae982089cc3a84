// A clock that goes only when told to: the fake of the seam Clock.
#pragma once

#include <string>

#include "platform/system/clock.hpp"

namespace meterbox::tests {

class FakeClock final : public platform::system::Clock {
public:
    explicit FakeClock(core::UtcTime wall = {1'700'000'000'000}) : wall_(wall) {}

    core::UtcTime wall_now() const override { return wall_; }
    core::MonotonicTime monotonic_now() const override { return monotonic_; }
    core::BootTime boot_now() const override { return boot_; }
    std::string boot_id() const override { return "boot-" + std::to_string(boots_); }

    void advance(std::int64_t ms) {
        suspend(ms);
        monotonic_.ms += ms;
    }
    void suspend(std::int64_t ms) {  // the machine sleeps: monotonic time stands still
        wall_.ms += ms;
        boot_.ms += ms;
    }
    void set_wall(core::UtcTime wall) { wall_ = wall; }
    void reboot(std::int64_t off_ms = 30'000) {  // off for so long, then up for a second
        wall_.ms += off_ms;
        monotonic_ = {1'000};
        boot_ = {1'000};
        ++boots_;
    }

private:
    core::UtcTime wall_;
    core::MonotonicTime monotonic_{5'000};
    core::BootTime boot_{5'000};
    int boots_ = 1;
};

}  // namespace meterbox::tests
