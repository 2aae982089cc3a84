// Backoff: the ceiling doubles up to its limit, and the jitter covers all of it.
#include "core/backoff.hpp"

#include <limits>

#include "tests/support/catch.hpp"

using meterbox::core::backoff_ms;

namespace {
// The longest wait that any random number gives: the jitter is uniform over 0 to the ceiling.
std::int64_t longest(int failures, std::int64_t base, std::int64_t max) {
    std::int64_t result = 0;
    for (std::uint64_t random = 0; random <= static_cast<std::uint64_t>(max) + 1; ++random)
        result = std::max(result, backoff_ms(failures, base, max, random));
    return result;
}
}  // namespace

TEST_CASE("the longest wait doubles from the base and stays at the limit") {
    CHECK(longest(1, 3, 20) == 3);
    CHECK(longest(2, 3, 20) == 6);
    CHECK(longest(3, 3, 20) == 12);
    CHECK(longest(4, 3, 20) == 20);
    CHECK(longest(5, 3, 20) == 20);
    CHECK(longest(3, 3, 12) == 12);
    CHECK(longest(3, 3, 11) == 11);
    CHECK(longest(9, 7, 7) == 7);
}

TEST_CASE("every wait from nothing to the limit is possible") {
    for (std::uint64_t random = 0; random <= 6; ++random)
        CHECK(backoff_ms(2, 3, 20, random) == static_cast<std::int64_t>(random));
    CHECK(backoff_ms(2, 3, 20, 7) == 0);
}

TEST_CASE("no number of failures and no limit overflows") {
    constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
    constexpr std::uint64_t random = std::numeric_limits<std::uint64_t>::max() / 2;
    CHECK(backoff_ms(std::numeric_limits<int>::max(), 1'000, 60'000, 60'000) == 60'000);
    CHECK(backoff_ms(100, 1'000, most, random) == most);
    CHECK(backoff_ms(1, most, most, random) == most);
}
