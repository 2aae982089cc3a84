// The trusted clock of an agent (R15): the account's time at the last sync, carried on by boot time, and
// never less than the highest trusted time it has ever shown, its high-water mark. After a reboot the mark
// itself is carried on: the time is at least that, and the uptime since. The wall clock can make things
// expire, never begin, and leaves no trace; by how much it was ahead of the account, it isn't believed from
// then on. It counts for more only where nothing was ever trusted.
// Pure: it is told the readings of the machine's clocks.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/ledger.hpp"
#include "core/time.hpp"

namespace meterbox::core {

enum class ClockQuality { trusted, estimated, unset };
std::string_view name_of(ClockQuality);

// The machine's clocks, read together.
struct ClockReading {
    UtcTime wall;
    BootTime boot;
    MonotonicTime monotonic;
};

// What is kept across restarts. The anchor counts only within the boot it was taken in.
struct ClockRecord {
    std::optional<UtcTime> anchor_utc;
    BootTime anchor_boot;
    std::string boot_id;
    std::optional<UtcTime> high_water;
    bool heard = true;  // the anchor is the account's time; false: the mark, carried on since a reboot
    std::int64_t wall_ahead_ms = 0;  // of the account's time when that was heard: so far it isn't credible
};

class TrustedClock {
public:
    // boot_id: of the boot that this process lives in; empty: not known, and no boot is like another.
    // begun: the boot time now.
    TrustedClock(ClockRecord record, std::string boot_id, BootTime begun);

    // The account said its time in an answer that came at `reading`. Never moves the clock back: one
    // that had gone ahead stands still until the account's time has caught up.
    void anchor(UtcTime server_time, const ClockReading& reading);

    ClockQuality quality() const;
    // The best estimate: what names hours, and what is shown as now. Never below the mark.
    UtcTime now(const ClockReading& reading) const;
    // For validity: the earliest is trusted, the latest credible. Where nothing was ever trusted, nothing
    // begins.
    Now range(const ClockReading& reading) const;
    // Trusted alone; none: nothing ever was.
    std::optional<UtcTime> trusted_now(const ClockReading& reading) const;
    // By which certificates are judged: no wall clock where anything was ever trusted.
    UtcTime judging(const ClockReading& reading, UtcTime build_date) const;
    // What to store beside the next commit: the mark is raised to the trusted time.
    ClockRecord record(const ClockReading& reading) const;

private:
    ClockRecord record_;  // its anchor, if it has one, is of this boot
    std::string boot_id_;
};

}  // namespace meterbox::core
