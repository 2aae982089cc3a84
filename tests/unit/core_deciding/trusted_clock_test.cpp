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
    const TrustedClock clock{{}, "boot-1", {}};
    CHECK(clock.quality() == ClockQuality::unset);
    CHECK(clock.now(reading(5'000, 10)).ms == 5'000);
    CHECK(clock.range(reading(5'000, 10)).earliest.ms == 0);  // nothing that must be valid first begins
    CHECK(clock.range(reading(5'000, 10)).latest.ms == 5'000);
    CHECK_FALSE(clock.trusted_now(reading(5'000, 10)));
    CHECK_FALSE(clock.record(reading(5'000, 10)).high_water);
}

TEST_CASE("after a sync the clock goes on by boot time, suspend included") {
    TrustedClock clock{{}, "boot-1", {}};
    clock.anchor({1'000'000}, reading(7, 500));
    CHECK(clock.quality() == ClockQuality::trusted);
    CHECK(clock.now(reading(7, 500)).ms == 1'000'000);
    CHECK(clock.now({{7}, {900}, {501}}).ms == 1'000'400);
}

TEST_CASE("a wall clock set back a year changes nothing") {
    TrustedClock clock{{}, "boot-1", {}};
    clock.anchor({2 * year_ms}, reading(2 * year_ms, 0));
    const ClockReading back = reading(year_ms, 1'000);
    CHECK(clock.now(back).ms == 2 * year_ms + 1'000);
    CHECK(clock.range(back).earliest.ms == 2 * year_ms + 1'000);
    CHECK(clock.range(back).latest.ms == 2 * year_ms + 1'000);
}

TEST_CASE("a wall clock set forward expires early, begins nothing and leaves no trace") {
    TrustedClock clock{{}, "boot-1", {}};
    clock.anchor({year_ms}, reading(year_ms, 0));
    const ClockReading ahead = reading(2 * year_ms, 1'000);
    CHECK(clock.now(ahead).ms == year_ms + 1'000);
    CHECK(clock.range(ahead).earliest.ms == year_ms + 1'000);
    CHECK(clock.range(ahead).latest.ms == 2 * year_ms);
    CHECK(clock.record(ahead).high_water == UtcTime{year_ms + 1'000});
    CHECK(clock.range(reading(year_ms, 1'000)).latest.ms == year_ms + 1'000);
}

TEST_CASE("a clock that had gone ahead stands still until the account's time has caught up") {
    TrustedClock clock{{}, "boot-1", {}};
    clock.anchor({10'000}, reading(0, 0));
    clock.anchor({10'500}, reading(0, 1'000));  // the agent's had reached 11 000
    CHECK(clock.now(reading(0, 1'000)).ms == 11'000);
    CHECK(clock.now(reading(0, 1'500)).ms == 11'000);
    CHECK(clock.now(reading(0, 1'501)).ms == 11'001);
    CHECK(clock.now(reading(0, 2'000)).ms == 11'500);
}

TEST_CASE("a restart within the same boot keeps the trusted time") {
    TrustedClock before{{}, "boot-1", {50}};
    before.anchor({50'000}, reading(1, 100));
    const TrustedClock after{before.record(reading(1, 200)), "boot-1", {250}};
    CHECK(after.quality() == ClockQuality::trusted);
    CHECK(after.now(reading(1, 300)).ms == 50'200);
}

TEST_CASE("after a reboot the mark goes on by uptime, never below what was seen") {
    TrustedClock before{{}, "boot-1", {50}};
    before.anchor({50'000}, reading(50'000, 100));
    const TrustedClock after{before.record(reading(50'000, 600)), "boot-2", {3}};
    CHECK(after.quality() == ClockQuality::estimated);
    SECTION("with the wall clock behind, or without any battery") {
        CHECK(after.now(reading(0, 5)).ms == 50'505);
        CHECK(after.range(reading(0, 5)).earliest.ms == 50'505);
        CHECK(after.range(reading(0, 5)).latest.ms == 50'505);
        CHECK(after.now(reading(0, 5'000)).ms == 55'500);
    }
    SECTION("with the wall clock ahead: expiry follows it, beginnings wait") {
        CHECK(after.now(reading(90'000, 5)).ms == 90'000);
        CHECK(after.range(reading(90'000, 5)).earliest.ms == 50'505);
        CHECK(after.range(reading(90'000, 5)).latest.ms == 90'000);
        CHECK(after.record(reading(90'000, 5)).high_water == UtcTime{50'505});
    }
    SECTION("another process of that boot goes on where it was") {
        const TrustedClock again{after.record(reading(0, 1'000)), "boot-2", {1'200}};
        CHECK(again.quality() == ClockQuality::estimated);
        CHECK(again.now(reading(0, 2'000)).ms == 52'500);
    }
}

TEST_CASE("one sync cures an estimate that the wall clock had put ahead") {
    TrustedClock clock{{{}, {}, "boot-1", UtcTime{50'000}}, "boot-2", {5}};
    CHECK(clock.now(reading(year_ms, 5)).ms == year_ms);
    clock.anchor({60'000}, reading(year_ms, 5));
    CHECK(clock.now(reading(year_ms, 5)).ms == 60'000);
}

TEST_CASE("one sync cures a wall clock that is ahead and stays so; turned further, it expires again") {
    TrustedClock clock{{}, "boot-1", {}};
    clock.anchor({50'000}, reading(year_ms, 0));
    CHECK(clock.range(reading(year_ms + 1'000, 1'000)).latest.ms == 51'000);
    CHECK(clock.range(reading(year_ms + 9'000, 1'000)).latest.ms == 59'000);
    CHECK(clock.range(reading(0, 1'000)).latest.ms == 51'000);
    const TrustedClock again{clock.record(reading(0, 1'000)), "boot-1", {1'500}};
    CHECK(again.range(reading(year_ms + 2'000, 2'000)).latest.ms == 52'000);
    const TrustedClock rebooted{clock.record(reading(0, 1'000)), "boot-2", {100}};
    CHECK(rebooted.range(reading(year_ms, 100)).latest.ms == year_ms);
}

TEST_CASE("the account's time below the mark doesn't lower it") {
    TrustedClock clock{{{}, {}, "", UtcTime{50'000}}, "boot-2", {5}};
    clock.anchor({40'000}, reading(0, 5));
    CHECK(clock.now(reading(0, 5)).ms == 50'000);
    CHECK(clock.record(reading(0, 5)).high_water == UtcTime{50'000});
    CHECK(clock.now(reading(0, 10'006)).ms == 50'001);
}

TEST_CASE("without a boot id no two processes share an anchor, though one process keeps its own") {
    TrustedClock before{{}, "", {50}};
    before.anchor({50'000}, reading(1, 100));
    CHECK(before.quality() == ClockQuality::trusted);
    CHECK(before.now(reading(1, 300)).ms == 50'200);
    const TrustedClock after{before.record(reading(1, 300)), "", {700}};
    CHECK(after.quality() == ClockQuality::estimated);
    CHECK(after.now(reading(1, 900)).ms == 50'400);
}

TEST_CASE("certificates are judged by trusted time alone, and by nothing before the build") {
    const UtcTime built{10'000};
    const TrustedClock never{{}, "boot-1", {}};
    CHECK(never.judging(reading(20'000, 5), built).ms == 20'000);
    CHECK(never.judging(reading(0, 5), built) == built);
    const TrustedClock once{{{}, {}, "boot-1", UtcTime{50'000}}, "boot-2", {5}};
    CHECK(once.judging(reading(year_ms, 5), built).ms == 50'005);
    CHECK(once.judging(reading(0, 5), {60'000}).ms == 60'000);
}

namespace {

// A machine in a world whose time is known: its clocks, what it has stored, and the process that runs.
struct Machine {
    std::mt19937_64 random;
    std::int64_t real = 3 * year_ms;  // the time that it is
    std::int64_t boot_began = real;
    int boot = 1;
    std::int64_t wall_off = 0;
    ClockRecord stored;
    TrustedClock clock{stored, "boot-1", {0}};
    std::int64_t stored_mark = 0;
    std::int64_t shown = 0;  // by this process
    std::int64_t ahead = 0;  // of the account's clock, at most

    explicit Machine(unsigned seed) : random(seed) {}

    std::int64_t below(std::int64_t limit) {
        return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(limit));
    }
    ClockReading read() const {
        return {{real + wall_off}, {real - boot_began}, {0}};  // suspended or not is monotonic's business
    }
    void store() {  // as it goes with a commit
        stored = clock.record(read());
        stored_mark = stored.high_water.value_or(UtcTime{}).ms;
    }
    void start() {
        clock = TrustedClock{stored, "boot-" + std::to_string(boot), read().boot};
        shown = stored_mark;
        store();  // with its first commit
    }
    void step() {
        real += below(2) == 0 ? below(10'000) : below(3 * day_ms);
        switch (below(7)) {
            case 0:
                return clock.anchor({real + below(ahead + 1)}, read());
            case 1:
                return store();
            case 2:
                return start();  // killed
            case 3:              // off for a while
                real += below(30 * day_ms);
                boot_began = real;
                ++boot;
                if (below(3) == 0) wall_off = -real;  // no battery: 1970
                return start();
            case 4:
                wall_off = below(4 * year_ms) - 2 * year_ms;
                return;
            case 5:
                wall_off = 0;
                return;
            default:
                return;
        }
    }
};

}  // namespace

TEST_CASE("whatever the clocks are turned to, trusted time never runs back past what was seen") {
    for (unsigned seed = 1; seed <= 500; ++seed) {
        Machine machine{seed};
        machine.ahead = machine.below(2) * 5'000;
        for (int i = 0; i < 300; ++i) {
            machine.step();
            const ClockReading now = machine.read();
            const Now range = machine.clock.range(now);
            REQUIRE(range.earliest <= range.latest);
            const std::int64_t ahead = machine.clock.record(now).wall_ahead_ms;
            REQUIRE(range.latest >= now.wall + -ahead);
            if (machine.clock.quality() != ClockQuality::trusted) REQUIRE(ahead == 0);
            REQUIRE(machine.clock.now(now) >= range.earliest);
            REQUIRE((machine.clock.now(now) <= range.latest));
            const auto trusted = machine.clock.trusted_now(now);
            REQUIRE(trusted.has_value() == (machine.clock.quality() != ClockQuality::unset));
            if (!trusted) continue;
            REQUIRE(trusted->ms >= machine.shown);                 // by this process
            REQUIRE(trusted->ms >= machine.stored_mark);           // by any
            REQUIRE(trusted->ms <= machine.real + machine.ahead);  // so that nothing begins early
            REQUIRE(range.earliest == *trusted);
            if (machine.clock.quality() == ClockQuality::trusted) REQUIRE(machine.clock.now(now) == *trusted);
            machine.shown = trusted->ms;
        }
    }
}
