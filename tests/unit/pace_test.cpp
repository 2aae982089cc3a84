// When to commit, on examples in microseconds.
#include "platform/store/pace.hpp"

#include "core/limits.hpp"
#include "tests/support/catch.hpp"

using meterbox::platform::store::Pace;
namespace limits = meterbox::core::limits;

namespace {

// Groups of 4 and 4 that take turns, with a commit of 200 us of which 100 are the sync.
Pace two_halves() {
    Pace pace;
    for (int i = 0; i < 50; ++i) {
        pace.committed(4, 4, 200, 100);
        pace.answered(0);
        static_cast<void>(pace.waits(8, 1));
    }
    pace.committed(4, 4, 200, 100);
    pace.answered(1'000);
    return pace;
}

}  // namespace

TEST_CASE("the first job of all is committed at once and in place", "[pace]") {
    Pace pace;
    CHECK_FALSE(pace.waits(1, 0));
    CHECK(pace.in_place(1));
}

TEST_CASE("a lone client is never waited for", "[pace]") {
    Pace pace;
    pace.committed(1, 0, 120, 100);
    pace.answered(1'000);
    CHECK_FALSE(pace.waits(1, 1'001));
    CHECK(pace.in_place(1));
}

TEST_CASE("the other half is waited for, until it is there", "[pace]") {
    Pace pace = two_halves();
    CHECK(pace.waits(4, 1'010));
    CHECK(pace.waits(7, 1'050));
    CHECK_FALSE(pace.waits(8, 1'051));
    CHECK(pace.in_place(8));
    CHECK_FALSE(pace.in_place(7));
}

TEST_CASE("no wait is longer than the sync that it would save", "[pace]") {
    Pace pace = two_halves();
    CHECK(pace.waits(5, 1'090));
    CHECK_FALSE(pace.waits(5, 1'101));
    CHECK_FALSE(pace.waits(5, 1'001));  // once it has been given up, it is over
}

TEST_CASE("however slow the disk, the wait is bounded", "[pace]") {
    Pace pace;
    for (int i = 0; i < 100; ++i) pace.committed(4, 4, 50'000, 50'000);
    pace.answered(0);
    CHECK(pace.waits(4, limits::gather_us_max - 1));
    CHECK_FALSE(pace.waits(4, limits::gather_us_max));
}

TEST_CASE("waiting that doesn't pay is left, and tried again now and then", "[pace]") {
    Pace pace = two_halves();
    int waited = 0;
    for (int i = 0; i < 1'000; ++i) {
        if (pace.waits(4, 1'010)) {
            ++waited;
            CHECK_FALSE(pace.waits(4, 2'000));  // nobody came
        }
        pace.committed(4, 4, 200, 100);
        pace.answered(1'000);
    }
    CHECK(waited > 4);
    CHECK(waited < 50);
}

TEST_CASE("a slow disk is not waited for on the loop's thread", "[pace]") {
    Pace pace;
    for (int i = 0; i < 100; ++i) pace.committed(1, 0, limits::inline_commit_us_max * 2, 100);
    CHECK_FALSE(pace.in_place(1));
    for (int i = 0; i < 100; ++i) pace.committed(1, 0, 100, 100);
    CHECK(pace.in_place(1));
}
