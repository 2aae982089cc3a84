#include "platform/system/clock.hpp"

#include <ctime>
#include <fstream>

#include "core/assert.hpp"

namespace meterbox::platform::system {
namespace {

std::int64_t read_ms(clockid_t clock) {
    timespec now{};
    METERBOX_ASSERT(clock_gettime(clock, &now) == 0);
    return static_cast<std::int64_t>(now.tv_sec) * 1'000 + now.tv_nsec / 1'000'000;
}

}  // namespace

SystemClock::SystemClock() {
    // Not there under ProcSubset=pid; what that means is in the header.
    std::ifstream file("/proc/sys/kernel/random/boot_id");
    std::getline(file, boot_id_);
}

core::UtcTime SystemClock::wall_now() const {
    return {read_ms(CLOCK_REALTIME)};
}
core::MonotonicTime SystemClock::monotonic_now() const {
    return {read_ms(CLOCK_MONOTONIC)};
}
core::BootTime SystemClock::boot_now() const {
    return {read_ms(CLOCK_BOOTTIME)};
}

}  // namespace meterbox::platform::system
