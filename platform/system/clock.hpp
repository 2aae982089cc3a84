// The clocks of this machine, as a seam: only main makes a SystemClock, everything else is handed
// a Clock and can be told any time in a test (tests/support/fake_clock.hpp). All in milliseconds,
// each cut the same way (floor), so that differences of one clock add up without loss.
#pragma once

#include <string>

#include "core/time.hpp"

namespace meterbox::platform::system {

class Clock {
public:
    virtual ~Clock() = default;
    virtual core::UtcTime wall_now() const = 0;             // may be set, forward and back
    virtual core::MonotonicTime monotonic_now() const = 0;  // never falls; stands still in suspend
    virtual core::BootTime boot_now() const = 0;            // never falls; goes on in suspend
    // Another text after each boot, the same until then. Empty when the kernel doesn't tell: then no
    // two times of the last two clocks may be taken as of one boot.
    virtual std::string boot_id() const = 0;
};

class SystemClock final : public Clock {
public:
    SystemClock();
    core::UtcTime wall_now() const override;
    core::MonotonicTime monotonic_now() const override;
    core::BootTime boot_now() const override;
    std::string boot_id() const override { return boot_id_; }

private:
    std::string boot_id_;
};

}  // namespace meterbox::platform::system
