// The trusted clock of an agent: the account's time at the last sync, carried on by boot time, and
// never less than the highest trusted time it has ever shown (R15). The wall clock counts only where
// nothing was ever trusted, or as a hint after a reboot; it can make things expire, never begin.
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
};

class TrustedClock {
public:
    // boot_id: of the boot that this process lives in; empty: not known, and no boot is like another.
    TrustedClock(ClockRecord record, std::string boot_id);

    // The account said its time in an answer that came at `reading`. Never moves the clock back: one
    // that had gone ahead stands still until the account's time has caught up.
    void anchor(UtcTime server_time, const ClockReading& reading);

    ClockQuality quality() const;
    UtcTime now(const ClockReading& reading) const;  // the best estimate, never below the mark
    Now range(const ClockReading& reading) const;    // for validity: earliest trusted, latest credible
    // What to store beside the next commit: the mark is raised to now() where that is trusted.
    ClockRecord record(const ClockReading& reading) const;

private:
    bool anchored() const { return record_.anchor_utc && record_.boot_id == boot_id_; }

    ClockRecord record_;
    std::string boot_id_;
};

}  // namespace meterbox::core
