// When a resource's enforcement began, or ceased, to count usage towards units (R7). A session whose
// time nobody has confirmed yet may have run on both sides of such a moment: what ran under none is
// recorded and never charged, whatever the mode is when it is confirmed. Pure.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "core/quantity.hpp"
#include "core/time.hpp"

namespace meterbox::core {

struct ModeChange {
    MonotonicTime at;     // of one boot
    bool counts = false;  // from then on; before, until the change before it, the opposite
    friend bool operator==(const ModeChange&, const ModeChange&) = default;
};

// The changes of one resource, the oldest first. Only the latest are kept (limits::mode_changes_kept).
class ModeChanges {
public:
    ModeChanges() = default;
    explicit ModeChanges(std::vector<ModeChange> changes) : changes_(std::move(changes)) {}

    // Does nothing where the mode before counts as well, or as little. Never before the change before it.
    void add(MonotonicTime at, bool counts);

    struct Stretch {
        std::int64_t length_ms;
        bool counts;
        friend bool operator==(const Stretch&, const Stretch&) = default;
    };
    // The time from `from` to `to`, cut at the changes. counts_now: the mode in force.
    std::vector<Stretch> stretches(MonotonicTime from, MonotonicTime to, bool counts_now) const;
    // How much of it counts.
    Amount counted(MonotonicTime from, MonotonicTime to, bool counts_now) const;
    // Since when, from `from` on, time has counted without a break. Of use while it does.
    MonotonicTime counting_since(MonotonicTime from) const;

    const std::vector<ModeChange>& all() const { return changes_; }
    friend bool operator==(const ModeChanges&, const ModeChanges&) = default;

private:
    std::vector<ModeChange> changes_;
};

}  // namespace meterbox::core
