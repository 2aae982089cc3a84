// When a resource's enforcement counted on one machine, as seen from outside after each step: how much of
// a session's time may be charged, and how much may not be (R7). Where the agent was down while the mode
// changed, both may be.
#pragma once

#include <cstdint>
#include <vector>

#include "core/time.hpp"

namespace meterbox::sim {

class ModeTimes {
public:
    // run: changes whenever the agent starts or falls. What is known of an earlier boot is forgotten.
    void observe(int boot, std::uint64_t run, core::MonotonicTime now, bool counts);
    // Of the time between, in this boot.
    std::int64_t may_count_ms(core::MonotonicTime from, core::MonotonicTime to) const;
    std::int64_t may_not_count_ms(core::MonotonicTime from, core::MonotonicTime to) const;

private:
    struct Stretch {
        core::MonotonicTime from;
        core::MonotonicTime to;
        bool may_count;
        bool may_not;
    };
    std::vector<Stretch> stretches_;
    int boot_ = 0;
    std::uint64_t run_ = 0;
    bool counts_ = true;  // as last seen
};

}  // namespace meterbox::sim
