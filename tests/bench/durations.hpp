// How often each duration was seen, for percentiles: exact to 1/32 at any size, in memory of one size.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace meterbox::bench {

class Durations {
public:
    void add(std::uint64_t ns) {
        ++counts_[bucket_of(ns)];
        ++count_;
        max_ = std::max(max_, ns);
    }
    double us_at(double share) const {
        const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(count_));
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i < counts_.size(); ++i) {
            seen += counts_[i];
            if (seen > wanted) return static_cast<double>(lowest_of(i)) / 1000.0;
        }
        return max_us();
    }
    double max_us() const { return static_cast<double>(max_) / 1000.0; }
    std::uint64_t count() const { return count_; }

private:
    static std::size_t bucket_of(std::uint64_t ns) {
        if (ns < 64) return ns;
        const auto shift = static_cast<unsigned>(58 - __builtin_clzll(ns));
        return shift * 64 + 64 + ((ns >> shift) - 32);
    }
    static std::uint64_t lowest_of(std::size_t bucket) {
        if (bucket < 64) return bucket;
        return (bucket % 64 + 32) << (bucket / 64 - 1);
    }
    std::array<std::uint64_t, 64 * 64> counts_{};
    std::uint64_t count_ = 0;
    std::uint64_t max_ = 0;
};

}  // namespace meterbox::bench
