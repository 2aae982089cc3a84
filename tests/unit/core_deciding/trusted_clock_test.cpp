// The trusted clock: never back, whatever the machine's clocks say; expiring early at worst, never late
// by a clock that was set back, and never beginning anything by the wall clock once it was trusted.
#include "core/trusted_clock.hpp"

#include <random>

#include "tests/support/catch.hpp"

using namespace meterbox::core;

namespace {

constexpr std::int64_t year_ms = 365 * day_ms;

ClockReading reading(std::int64_t wall, std::int64_t boot) {
    return {{wall}, {boot}, {boot}};
}

}  // namespace

TEST_CASE("an agent that never heard its account takes the wall clock, unset") {
    const TrustedClock clock{{}, "boot-1"};
    CHECK(clock.quality() == ClockQuality::unset);
    CHECK(clock.now(reading(5'000, 10)).ms == 5'000);
    CHECK(clock.range(reading(5'000, 10)).earliest.ms == 5'000);
    CHECK(clock.range(reading(5'000, 10)).latest.ms == 5'000);
    CHECK_FALSE(clock.record(reading(5'000, 10)).high_water);
}

TEST_CASE("after a sync the clock goes on by boot time, suspend included") {
    TrustedClock clock{{}, "boot-1"};
    clock.anchor({1'000'000}, reading(7, 500));
    CHECK(clock.quality() == ClockQuality::trusted);
    CHECK(clock.now(reading(7, 500)).ms == 1'000'000);
    CHECK(clock.now({{7}, {900}, {501}}).ms == 1'000'400);
}

TEST_CASE("a wall clock set back a year changes nothing") {
    TrustedClock clock{{}, "boot-1"};
    clock.anchor({2 * year_ms}, reading(2 * year_ms, 0));
    const ClockReading back = reading(year_ms, 1'000);
    CHECK(clock.now(back).ms == 2 * year_ms + 1'000);
    CHECK(clock.range(back).earliest.ms == 2 * year_ms + 1'000);
    CHECK(clock.range(back).latest.ms == 2 * year_ms + 1'000);
}

TEST_CASE("a wall clock set forward expires early, begins nothing and leaves no trace") {
    TrustedClock clock{{}, "boot-1"};
    clock.anchor({year_ms}, reading(year_ms, 0));
    const ClockReading ahead = reading(2 * year_ms, 1'000);
    CHECK(clock.now(ahead).ms == year_ms + 1'000);
    CHECK(clock.range(ahead).earliest.ms == year_ms + 1'000);
    CHECK(clock.range(ahead).latest.ms == 2 * year_ms);
    CHECK(clock.record(ahead).high_water == UtcTime{year_ms + 1'000});
    CHECK(clock.range(reading(year_ms, 1'000)).latest.ms == year_ms + 1'000);
}

TEST_CASE("a clock that had gone ahead stands still until the account's time has caught up") {
    TrustedClock clock{{}, "boot-1"};
    clock.anchor({10'000}, reading(0, 0));
    clock.anchor({10'500}, reading(0, 1'000));  // the agent's had reached 11 000
    CHECK(clock.now(reading(0, 1'000)).ms == 11'000);
    CHECK(clock.now(reading(0, 1'500)).ms == 11'000);
    CHECK(clock.now(reading(0, 1'501)).ms == 11'001);
    CHECK(clock.now(reading(0, 2'000)).ms == 11'500);
}

TEST_CASE("a restart within the same boot keeps the trusted time") {
    TrustedClock before{{}, "boot-1"};
    before.anchor({50'000}, reading(1, 100));
    const TrustedClock after{before.record(reading(1, 200)), "boot-1"};
    CHECK(after.quality() == ClockQuality::trusted);
    CHECK(after.now(reading(1, 300)).ms == 50'200);
}

TEST_CASE("after a reboot the time is an estimate, never below what was seen") {
    TrustedClock before{{}, "boot-1"};
    before.anchor({50'000}, reading(50'000, 100));
    const TrustedClock after{before.record(reading(50'000, 600)), "boot-2"};
    CHECK(after.quality() == ClockQuality::estimated);
    SECTION("with the wall clock behind") {
        CHECK(after.now(reading(10, 5)).ms == 50'500);
        CHECK(after.range(reading(10, 5)).earliest.ms == 50'500);
        CHECK(after.range(reading(10, 5)).latest.ms == 50'500);
    }
    SECTION("with the wall clock ahead: expiry follows it, beginnings wait") {
        CHECK(after.now(reading(90'000, 5)).ms == 90'000);
        CHECK(after.range(reading(90'000, 5)).earliest.ms == 50'500);
        CHECK(after.range(reading(90'000, 5)).latest.ms == 90'000);
        CHECK(after.record(reading(90'000, 5)).high_water == UtcTime{50'500});
    }
}

TEST_CASE("one sync cures an estimate that the wall clock had put ahead") {
    TrustedClock clock{{{}, {}, "", UtcTime{50'000}}, "boot-2"};
    CHECK(clock.now(reading(year_ms, 5)).ms == year_ms);
    clock.anchor({60'000}, reading(year_ms, 5));
    CHECK(clock.now(reading(year_ms, 5)).ms == 60'000);
}

TEST_CASE("the account's time below the mark doesn't lower it") {
    TrustedClock clock{{{}, {}, "", UtcTime{50'000}}, "boot-2"};
    clock.anchor({40'000}, reading(0, 5));
    CHECK(clock.now(reading(0, 5)).ms == 50'000);
    CHECK(clock.record(reading(0, 5)).high_water == UtcTime{50'000});
    CHECK(clock.now(reading(0, 10'006)).ms == 50'001);
}

TEST_CASE("without a boot id no two processes share an anchor, though one process keeps its own") {
    TrustedClock before{{}, ""};
    before.anchor({50'000}, reading(1, 100));
    CHECK(before.quality() == ClockQuality::trusted);
    CHECK(before.now(reading(1, 300)).ms == 50'200);
    const TrustedClock after{before.record(reading(1, 300)), ""};
    CHECK(after.quality() == ClockQuality::estimated);
    CHECK(after.now(reading(1, 900)).ms == 50'200);
}

TEST_CASE("whatever the wall clock, syncs, restarts and reboots do, trusted time never falls") {
    for (unsigned seed = 1; seed <= 500; ++seed) {
        std::mt19937_64 random{seed};
        const auto below = [&random](std::int64_t limit) {
            return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(limit));
        };
        int boot = 1;
        std::int64_t boot_ms = below(1'000);
        ClockRecord stored;
        TrustedClock clock{stored, "boot-1"};
        std::int64_t seen = 0;  // the highest trusted time shown and stored
        for (int i = 0; i < 200; ++i) {
            boot_ms += below(10'000);
            const ClockReading now = reading(below(4 * year_ms), boot_ms);
            switch (below(5)) {
                case 0:
                    clock.anchor({year_ms + below(100'000'000)}, now);
                    break;
                case 1:
                    stored = clock.record(now);
                    break;
                case 2:
                    clock = TrustedClock{stored = clock.record(now), "boot-" + std::to_string(boot)};
                    break;
                case 3:
                    stored = clock.record(now);
                    boot_ms = below(1'000);
                    clock = TrustedClock{stored, "boot-" + std::to_string(++boot)};
                    break;
                default:
                    break;
            }
            const ClockReading then = reading(now.wall.ms, boot_ms);
            const Now range = clock.range(then);
            REQUIRE(clock.now(then).ms >= seen);
            REQUIRE(range.earliest <= range.latest);
            REQUIRE(range.earliest <= clock.now(then));
            REQUIRE(range.latest >= clock.now(then));
            if (clock.quality() == ClockQuality::unset) continue;
            REQUIRE(range.earliest.ms >= seen);
            seen = range.earliest.ms;
            if (clock.quality() == ClockQuality::trusted) REQUIRE(range.latest >= then.wall);
        }
    }
}
