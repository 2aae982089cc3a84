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

TrustedClock::TrustedClock(ClockRecord record, std::string boot_id, BootTime begun)
    : record_(std::move(record)), boot_id_(std::move(boot_id)) {
    if (record_.anchor_utc && !boot_id_.empty() && record_.boot_id == boot_id_) return;
    record_.anchor_utc.reset();
    if (!record_.high_water) return;
    // Stored in an earlier boot, so that all of this one's uptime has gone by since. Where nothing tells
    // one boot from another, only what goes by from now on has.
    const bool knows_boots = !boot_id_.empty() && !record_.boot_id.empty();
    record_.anchor_utc = record_.high_water;
    record_.anchor_boot = knows_boots ? BootTime{0} : begun;
    record_.boot_id = boot_id_;
    record_.heard = false;
    record_.wall_ahead_ms = 0;
}

void TrustedClock::anchor(UtcTime server_time, const ClockReading& reading) {
    record_.high_water = std::max(server_time, trusted_now(reading).value_or(server_time));
    record_.anchor_utc = server_time;
    record_.anchor_boot = reading.boot;
    record_.boot_id = boot_id_;
    record_.heard = true;
    record_.wall_ahead_ms = std::max<std::int64_t>(0, reading.wall - server_time);
}

ClockQuality TrustedClock::quality() const {
    if (!record_.anchor_utc) return ClockQuality::unset;
    return record_.heard ? ClockQuality::trusted : ClockQuality::estimated;
}

std::optional<UtcTime> TrustedClock::trusted_now(const ClockReading& reading) const {
    if (!record_.anchor_utc) return std::nullopt;
    const UtcTime carried = *record_.anchor_utc + (reading.boot - record_.anchor_boot);
    if (METERBOX_MUTANT(clock_runs_back)) return carried;
    return std::max(carried, record_.high_water.value_or(carried));
}

UtcTime TrustedClock::now(const ClockReading& reading) const {
    const std::optional<UtcTime> trusted = trusted_now(reading);
    if (trusted && record_.heard) return *trusted;
    return std::max(reading.wall, trusted.value_or(reading.wall));
}

Now TrustedClock::range(const ClockReading& reading) const {
    const UtcTime earliest = trusted_now(reading).value_or(UtcTime{});
    return {earliest, std::max(earliest, reading.wall + -record_.wall_ahead_ms)};
}

UtcTime TrustedClock::judging(const ClockReading& reading, UtcTime build_date) const {
    return std::max(build_date, trusted_now(reading).value_or(reading.wall));
}

ClockRecord TrustedClock::record(const ClockReading& reading) const {
    ClockRecord record = record_;
    record.high_water = trusted_now(reading);
    return record;
}

}  // namespace meterbox::core
