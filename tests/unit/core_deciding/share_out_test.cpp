// Parallel sessions on one balance: every small case is compared with time running millisecond by
// millisecond for all of them.
#include "core/share_out.hpp"

#include <algorithm>

#include "tests/support/catch.hpp"

using namespace meterbox::core;

namespace {

// Each millisecond, everybody who has begun takes one, as long as there is any.
std::int64_t used_by_all(std::int64_t available, const std::vector<MonotonicTime>& marks, std::int64_t now) {
    std::int64_t used = 0;
    for (std::int64_t t = 0; t < now; ++t)
        for (const MonotonicTime mark : marks)
            if (mark.ms <= t && used < available) ++used;
    return used;
}

void check_shares(std::int64_t available, const std::vector<MonotonicTime>& marks, std::int64_t now) {
    const std::vector<Amount> shares = share_out(Amount{available}, marks, {now});
    REQUIRE(shares.size() == marks.size());
    std::int64_t sum = 0;
    std::int64_t first_end = now;
    std::int64_t last_end = 0;
    bool in_time = true;
    for (std::size_t i = 0; i < marks.size(); ++i) {
        const std::int64_t share = shares[i].value();
        const std::int64_t end = marks[i].ms + share;
        in_time = in_time && share >= 0 && end <= now;
        sum += share;
        first_end = std::min(first_end, end);
        if (share > 0) last_end = std::max(last_end, end);
    }
    const bool together = last_end <= first_end + 1;  // who could have run on, didn't run out before others
    if (!in_time || !together || sum != used_by_all(available, marks, now))
        FAIL("available " << available << ", now " << now << ", first mark " << marks.front().ms);
}

}  // namespace

TEST_CASE("sessions use up a balance together, to the millisecond, wherever each was metered last") {
    constexpr std::int64_t now = 5;
    for (std::int64_t available = 0; available <= 20; ++available)
        for (std::int64_t a = 0; a <= now; ++a)
            for (std::int64_t b = 0; b <= now; ++b) {
                check_shares(available, {{a}, {b}}, now);
                for (std::int64_t c = 0; c <= now; ++c) check_shares(available, {{a}, {b}, {c}}, now);
            }
    SUCCEED();
}

TEST_CASE("worked example 6: four sessions that began together run 2 min each on 8 min") {
    const std::vector<MonotonicTime> marks(4, MonotonicTime{1'000});
    const std::vector<Amount> shares = share_out(Amount{8 * minute_ms}, marks, {1'000 + 2 * minute_ms + 7});
    CHECK(shares == std::vector<Amount>(4, Amount{2 * minute_ms}));
}

TEST_CASE("nobody runs past now, and nobody runs on nothing") {
    CHECK(share_out(Amount{1'000}, {{5}, {7}}, {10}) == std::vector<Amount>{Amount{5}, Amount{3}});
    CHECK(share_out(Amount{0}, {{5}, {7}}, {10}) == std::vector<Amount>{Amount{0}, Amount{0}});
    CHECK(share_out(Amount{5}, {}, {10}).empty());
}
