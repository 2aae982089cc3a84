// Where a simulated world takes its chances from: numbers that follow from the seed alone. Each concern
// throws its own dice, so that what one draws doesn't move what another gets.
#pragma once

#include <cstdint>
#include <string_view>

#include "tests/support/seeded_random.hpp"

namespace meterbox::sim {

class Dice {
public:
    explicit Dice(std::uint64_t seed) : random_(seed) {}

    // Other dice, that follow from the seed and this name.
    static Dice named(std::uint64_t seed, std::string_view name, std::int64_t index = 0) {
        std::uint64_t hash = 0xcbf29ce484222325u ^ seed;
        for (const char letter : name) hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001b3u;
        return Dice((hash ^ static_cast<std::uint64_t>(index)) * 0x9e3779b97f4a7c15u);
    }

    std::uint64_t number() { return random_.number(); }
    std::int64_t between(std::int64_t low, std::int64_t high) { return low + random_.below(high - low + 1); }
    bool chance(std::int64_t per_mille) { return random_.below(1'000) < per_mille; }
    // Mostly small: each factor of three that it may go on for it does in three cases of five.
    std::int64_t spread(std::int64_t low, std::int64_t high) {
        std::int64_t top = low;
        while (top < high && !chance(400)) top = top * 3 + 1;
        return between(low, top < high ? top : high);
    }

    // Evenly over the orders of magnitude: as often in each doubling of what is least. Requires 0 < low <=
    // high.
    std::int64_t even(std::int64_t low, std::int64_t high) {
        std::int64_t doublings = 0;
        while ((low << doublings) <= high / 2) ++doublings;
        const std::int64_t from = low << between(0, doublings);
        return between(from, from < high / 2 ? from * 2 : high);
    }

private:
    tests::SeededRandom random_;
};

}  // namespace meterbox::sim
