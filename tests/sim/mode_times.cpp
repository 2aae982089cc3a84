#include "tests/sim/mode_times.hpp"

#include <algorithm>

namespace meterbox::sim {

namespace {

template <class Stretches, class Fits>
std::int64_t sum(const Stretches& stretches, core::MonotonicTime from, core::MonotonicTime to, Fits fits) {
    std::int64_t ms = 0;
    for (const auto& stretch : stretches)
        if (fits(stretch))
            ms += std::max<std::int64_t>(0, std::min(to, stretch.to) - std::max(from, stretch.from));
    return ms;
}

}  // namespace

void ModeTimes::observe(int boot, std::uint64_t run, core::MonotonicTime now, bool counts) {
    if (boot != boot_ || stretches_.empty()) {
        stretches_ = {{{0}, now, true, true}};
        boot_ = boot;
    } else {
        const bool unseen = run != run_ && counts != counts_;
        const Stretch since{stretches_.back().to, now, unseen || counts_, unseen || !counts_};
        Stretch& last = stretches_.back();
        if (last.may_count == since.may_count && last.may_not == since.may_not) {
            last.to = now;
        } else {
            stretches_.push_back(since);
        }
    }
    run_ = run;
    counts_ = counts;
}

std::int64_t ModeTimes::may_count_ms(core::MonotonicTime from, core::MonotonicTime to) const {
    return sum(stretches_, from, to, [](const Stretch& stretch) { return stretch.may_count; });
}

std::int64_t ModeTimes::may_not_count_ms(core::MonotonicTime from, core::MonotonicTime to) const {
    return sum(stretches_, from, to, [](const Stretch& stretch) { return stretch.may_not; });
}

}  // namespace meterbox::sim
