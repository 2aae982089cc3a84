// One promise, two clocks: what the rest relies on holds for the real one and for the fake.
#include "tests/support/catch.hpp"
#include "tests/support/fake_clock.hpp"

using namespace meterbox;
using platform::system::Clock;
using platform::system::SystemClock;
using tests::FakeClock;

TEMPLATE_TEST_CASE("a clock's times never fall while it isn't set", "[clock]", SystemClock, FakeClock) {
    TestType made;
    const Clock& clock = made;
    const auto monotonic = clock.monotonic_now();
    const auto boot = clock.boot_now();
    for (int i = 0; i < 1000; ++i) {
        REQUIRE(clock.monotonic_now() >= monotonic);
        REQUIRE(clock.boot_now() >= boot);
    }
}

TEMPLATE_TEST_CASE("a clock names its boot, and always the same", "[clock]", SystemClock, FakeClock) {
    TestType made;
    const Clock& clock = made;
    CHECK_FALSE(clock.boot_id().empty());
    CHECK(clock.boot_id() == clock.boot_id());
}

TEMPLATE_TEST_CASE("a clock's wall time is in milliseconds since 1970", "[clock]", SystemClock, FakeClock) {
    TestType made;
    const Clock& clock = made;
    CHECK(clock.wall_now() > core::UtcTime{1'500'000'000'000});  // 2017
    CHECK(clock.wall_now() < core::UtcTime{4'102'444'800'000});  // 2100
}

TEMPLATE_TEST_CASE("boot time has gone on at least as far as monotonic time", "[clock]", SystemClock,
                   FakeClock) {
    TestType made;
    const Clock& clock = made;
    const auto monotonic = clock.monotonic_now();
    CHECK(clock.boot_now().ms >= monotonic.ms);
}

TEST_CASE("two system clocks are in the same boot", "[clock]") {
    CHECK(SystemClock().boot_id() == SystemClock().boot_id());
}

TEST_CASE("a suspended machine's monotonic time stands still", "[clock]") {
    FakeClock clock;
    const auto monotonic = clock.monotonic_now();
    const auto boot = clock.boot_now();
    const auto wall = clock.wall_now();
    clock.suspend(60'000);
    CHECK(clock.monotonic_now() == monotonic);
    CHECK(clock.boot_now() - boot == 60'000);
    CHECK(clock.wall_now() - wall == 60'000);
}

TEST_CASE("a reboot changes the boot's name and starts its clocks anew", "[clock]") {
    FakeClock clock;
    clock.advance(100'000);
    const std::string boot_id = clock.boot_id();
    const auto boot = clock.boot_now();
    clock.reboot();
    CHECK(clock.boot_id() != boot_id);
    CHECK(clock.boot_now() < boot);
}
