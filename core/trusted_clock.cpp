#include "core/trusted_clock.hpp"
#include "core/mutant.hpp"

#include <algorithm>
#include <utility>

namespace meterbox::core {

std::string_view name_of(ClockQuality quality) {
    switch (quality) {
        case ClockQuality::trusted:
            return "trusted";
        case ClockQuality::estimated:
            return "estimated";
        case ClockQuality::unset:
            return "unset";
    }
    return "unset";
}

TrustedClock::TrustedClock(ClockRecord record, std::string boot_id)
    : record_(std::move(record)), boot_id_(std::move(boot_id)) {
    // Without an id nothing tells one boot from another: the anchor is as good as of another one.
    if (boot_id_.empty()) record_.anchor_utc.reset();
}

void TrustedClock::anchor(UtcTime server_time, const ClockReading& reading) {
    const UtcTime shown = anchored() ? now(reading) : record_.high_water.value_or(server_time);
    record_.high_water = std::max(server_time, shown);
    record_.anchor_utc = server_time;
    record_.anchor_boot = reading.boot;
    record_.boot_id = boot_id_;
}

ClockQuality TrustedClock::quality() const {
    if (anchored()) return ClockQuality::trusted;
    return record_.high_water ? ClockQuality::estimated : ClockQuality::unset;
}

UtcTime TrustedClock::now(const ClockReading& reading) const {
    if (anchored()) {
        const UtcTime carried = *record_.anchor_utc + (reading.boot - record_.anchor_boot);
        if (METERBOX_MUTANT(clock_runs_back)) return carried;
        return std::max(carried, record_.high_water.value_or(carried));
    }
    return std::max(reading.wall, record_.high_water.value_or(reading.wall));
}

Now TrustedClock::range(const ClockReading& reading) const {
    const UtcTime estimate = now(reading);
    if (anchored()) return {estimate, std::max(estimate, reading.wall)};
    return {record_.high_water.value_or(estimate), estimate};
}

ClockRecord TrustedClock::record(const ClockReading& reading) const {
    ClockRecord record = record_;
    if (anchored()) record.high_water = now(reading);
    return record;
}

}  // namespace meterbox::core
