// Timers as a seam: the loop's in programs (loop_timers.hpp), a virtual clock's in tests
// (tests/support/fake_timers.hpp). They run on the monotonic clock, so suspended time doesn't count.
// Loop thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace meterbox::platform::system {

class Timer {
public:
    virtual ~Timer() = default;  // its callback isn't called any more
    // Calls the callback once, after so long (0 or less: soon), instead of what it was armed for before.
    virtual void arm(std::int64_t after_ms) = 0;
    virtual void cancel() = 0;  // not called before it is armed again
};

class Timers {
public:
    virtual ~Timers() = default;
    // The callback is called by the loop, never from within arm(); it may arm its timer again.
    virtual std::unique_ptr<Timer> make(std::function<void()> callback) = 0;
};

}  // namespace meterbox::platform::system
