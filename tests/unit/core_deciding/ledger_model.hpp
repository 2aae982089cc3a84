// The ledger once more, as naive as can be: usage is counted millisecond by millisecond, a unit is
// filled or it isn't, and each slot is a thing of its own. Slow and obvious; the real one must agree.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/ledger.hpp"

namespace meterbox::tests {

class LedgerModel {
public:
    struct Slots {
        std::string id;
        std::int64_t granted = 0;
        std::int64_t used = 0;
        std::int64_t from = 0;
        std::int64_t until = 0;  // exclusive
    };

    explicit LedgerModel(std::int64_t unit) : unit_(unit) {}

    void meter(std::int64_t amount, std::int64_t now) {
        for (std::int64_t i = 0; i < amount; ++i) {
            ++metered;
            if (++in_progress == unit_) {
                in_progress = 0;
                ++waiting;
            }
            settle(now);
        }
        settle(now);
    }

    // lease: in draw order; granted as it says.
    void take(const std::vector<Slots>& lease, std::int64_t now) {
        std::vector<Slots> next;
        for (Slots slots : lease) {
            for (const Slots& old : order) {
                if (old.id != slots.id) continue;
                slots.used = old.used;
                slots.granted = std::max(slots.granted, old.granted);
            }
            next.push_back(slots);
        }
        for (Slots old : order) {
            const bool named = std::any_of(lease.begin(), lease.end(),
                                           [&old](const Slots& slots) { return slots.id == old.id; });
            if (named) continue;
            old.until = old.from;
            next.push_back(old);
        }
        order = next;
        settle(now);
    }

    void settle(std::int64_t now) {
        for (; waiting > 0; --waiting) {
            Slots* first = first_free(now);
            if (!first) return;
            ++first->used;
        }
    }

    std::int64_t free_slots(std::int64_t now) const {
        std::int64_t count = 0;
        for (const Slots& slots : order)
            if (now >= slots.from && now < slots.until) count += slots.granted - slots.used;
        return count;
    }
    // How many milliseconds can still be metered before one isn't covered.
    std::int64_t available(std::int64_t now) const {
        LedgerModel trial = *this;
        std::int64_t count = 0;
        while (trial.uncovered(now) == 0) {
            trial.meter(1, now);
            if (trial.uncovered(now) == 0) ++count;
        }
        return count;
    }
    std::int64_t uncovered(std::int64_t now) const {
        return waiting * unit_ + (free_slots(now) == 0 ? in_progress : 0);
    }

    std::int64_t metered = 0;
    std::int64_t in_progress = 0;
    std::int64_t waiting = 0;  // units without a slot
    std::vector<Slots> order;

private:
    Slots* first_free(std::int64_t now) {
        for (Slots& slots : order)
            if (now >= slots.from && now < slots.until && slots.used < slots.granted) return &slots;
        return nullptr;
    }

    std::int64_t unit_;
};

}  // namespace meterbox::tests
