// A new billing cycle, as the agent takes it from what the account said of it.
#include "core/gate.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/core_deciding/builders.hpp"

using namespace meterbox;
using namespace meterbox::tests;

TEST_CASE("with a new cycle the pool may have something again, whatever the last lease said of it") {
    core::Supply supply;
    supply.reachable = true;
    supply.final = true;
    supply.refused = true;
    supply.cycle_begins_at = core::UtcTime{1'000};
    CHECK_FALSE(supply.begin_cycle(at(999)));
    CHECK(supply.nothing_to_be_had());
    CHECK(supply.begin_cycle(at(1'000)));
    CHECK_FALSE(supply.nothing_to_be_had());
    supply.refused = true;  // asked in the new cycle
    CHECK_FALSE(supply.begin_cycle(at(1'001)));
    CHECK(supply.nothing_to_be_had());
}

TEST_CASE("a cycle whose begin is told again and again begins once, or its agent would ask without a pause") {
    core::Supply supply;
    supply.reachable = true;
    supply.cycle_begins_at = core::UtcTime{1'000};
    CHECK(supply.begin_cycle(at(1'000)));
    for (int answers = 0; answers < 3; ++answers) {
        supply.cycle_begins_at = core::UtcTime{1'000};  // the lease is still that of before
        supply.final = true;
        supply.refused = true;
        CHECK_FALSE(supply.begin_cycle(at(1'000 + answers)));
        CHECK_FALSE(supply.final);
        CHECK(supply.refused);
    }
    supply.cycle_begins_at = core::UtcTime{2'000};
    CHECK_FALSE(supply.begin_cycle(at(1'999)));
    CHECK(supply.begin_cycle(at(2'000)));
}

TEST_CASE("a cycle that a clock ahead of time took for begun begins when its time has come") {
    core::Supply supply;
    supply.cycle_begins_at = core::UtcTime{1'000};
    CHECK(supply.begin_cycle(at(5'000)));
    supply.cycle_begins_at = core::UtcTime{1'000};
    CHECK_FALSE(supply.begin_cycle(at(10)));
    CHECK(supply.begin_cycle(at(1'000)));
}
