// How much an agent is given, with every boundary from both sides.
#include "account/sizing.hpp"
#include "core/limits.hpp"
#include "tests/support/catch.hpp"

using namespace meterbox;
using namespace meterbox::account;
using core::Amount;
using core::Units;

namespace {

Tranche limited(std::int64_t id, std::int64_t available) {
    Tranche tranche;
    tranche.id = id;
    tranche.purchased = Units{available};
    tranche.available = Units{available};
    return tranche;
}

Demand reserve(std::int64_t expected, std::int64_t spendable = 0) {
    return {Units{0}, true, false, Units{expected}, Units{spendable}};
}

}  // namespace

TEST_CASE("the expected units cover the whole horizon") {
    const std::int64_t unit = 20 * core::minute_ms;
    CHECK(expected_units(Amount{0}, core::day_ms, Amount{unit}) == Units{0});
    CHECK(expected_units(Amount{core::hour_ms}, core::day_ms, Amount{unit}) == Units{72});
    CHECK(expected_units(Amount{1}, core::hour_ms, Amount{1}) == Units{1});
    CHECK(expected_units(Amount{3}, core::hour_ms, Amount{2}) == Units{2});  // 1.5, rounded up
    CHECK(expected_units(Amount{4}, core::hour_ms, Amount{2}) == Units{2});
    CHECK(expected_units(Amount{5}, core::hour_ms, Amount{2}) == Units{3});
}

TEST_CASE("an absurd rate asks for no more than there may be") {
    const Amount most{core::limits::amount_max};
    CHECK(expected_units(most, core::day_ms, Amount{1}) == Units{core::limits::units_max});
    CHECK(expected_units(most, core::hour_ms, Amount{core::limits::unit_size_max}).value() <=
          core::limits::units_max);
}

TEST_CASE("the reserve is at most A / 2N, at least 1 while A >= 2N, and one unit below") {
    const Units much{1'000'000};
    CHECK(reserve_target(much, Units{0}, 1) == Units{0});
    CHECK(reserve_target(much, Units{1}, 1) == Units{1});  // A < 2N
    CHECK(reserve_target(much, Units{2}, 1) == Units{1});  // A = 2N
    CHECK(reserve_target(much, Units{3}, 1) == Units{1});
    CHECK(reserve_target(much, Units{4}, 1) == Units{2});
    CHECK(reserve_target(much, Units{150}, 1) == Units{75});
    CHECK(reserve_target(much, Units{9}, 5) == Units{1});   // 2N - 1
    CHECK(reserve_target(much, Units{10}, 5) == Units{1});  // 2N
    CHECK(reserve_target(much, Units{19}, 5) == Units{1});
    CHECK(reserve_target(much, Units{20}, 5) == Units{2});
}

TEST_CASE("the reserve is no more than the rate asks for, but at least one unit") {
    CHECK(reserve_target(Units{0}, Units{150}, 1) == Units{1});
    CHECK(reserve_target(Units{1}, Units{150}, 1) == Units{1});
    CHECK(reserve_target(Units{74}, Units{150}, 1) == Units{74});
    CHECK(reserve_target(Units{75}, Units{150}, 1) == Units{75});
    CHECK(reserve_target(Units{76}, Units{150}, 1) == Units{75});
}

TEST_CASE("need is served in full as far as the pool goes") {
    const auto lease = [](std::int64_t need, std::int64_t available) {
        return units_to_lease({Units{need}, false, false, Units{0}, Units{0}}, Units{available}, {}, 2);
    };
    CHECK(lease(5, 4) == Units{4});
    CHECK(lease(5, 5) == Units{5});
    CHECK(lease(5, 6) == Units{5});
    CHECK(lease(5, 0) == Units{0});
    CHECK(lease(0, 9) == Units{0});
}

TEST_CASE("the reserve comes out of what the need has left") {
    const auto lease = [](std::int64_t need, std::int64_t available) {
        return units_to_lease({Units{need}, true, false, Units{100}, Units{0}}, Units{available}, {}, 2);
    };
    CHECK(lease(5, 5) == Units{5});
    CHECK(lease(5, 6) == Units{6});       // one left: one unit
    CHECK(lease(5, 8) == Units{6});       // three left, less than 2N: one unit
    CHECK(lease(5, 13) == Units{5 + 2});  // eight left: a quarter
}

TEST_CASE("a reserve that is held already is only brought up to its target") {
    CHECK(units_to_lease(reserve(100, 0), Units{40}, {}, 2) == Units{10});
    CHECK(units_to_lease(reserve(100, 9), Units{40}, {}, 2) == Units{1});
    CHECK(units_to_lease(reserve(100, 10), Units{40}, {}, 2) == Units{0});
    CHECK(units_to_lease(reserve(100, 11), Units{40}, {}, 2) == Units{0});
}

TEST_CASE("a need that is asked for again because its answer was lost is not leased twice") {
    CHECK(units_to_lease({Units{5}, false, false, Units{0}, Units{5}}, Units{9}, {}, 1) == Units{0});
    CHECK(units_to_lease({Units{5}, false, false, Units{0}, Units{3}}, Units{9}, {}, 1) == Units{2});
}

TEST_CASE(
    "whatever is asked for, never more than the pool has, and half of it stays when nothing is needed") {
    for (std::int64_t available = 0; available <= 24; ++available) {
        for (std::int64_t agents = 1; agents <= 4; ++agents) {
            for (std::int64_t need = 0; need <= 6; ++need) {
                for (std::int64_t spendable = 0; spendable <= 6; ++spendable) {
                    const Demand demand{Units{need}, true, false, Units{1'000}, Units{spendable}};
                    const Units given = units_to_lease(demand, Units{available}, {}, agents);
                    REQUIRE(given.value() >= 0);
                    REQUIRE(given.value() <= available);
                    if (need == 0 && available >= 2) REQUIRE(given.value() <= (available + 1) / 2);
                    if (available > need && spendable == 0) REQUIRE(given.value() > need);
                }
            }
        }
    }
}

TEST_CASE("an open exposure is topped up when something is asked for, or half of it is used") {
    const Units exposure{1'000};
    CHECK(open_units_to_lease(Units{0}, exposure, Units{}, false) == Units{1'000});
    CHECK(open_units_to_lease(Units{500}, exposure, Units{}, false) == Units{500});
    CHECK(open_units_to_lease(Units{501}, exposure, Units{}, false) == Units{0});
    CHECK(open_units_to_lease(Units{999}, exposure, Units{}, true) == Units{1});
    CHECK(open_units_to_lease(Units{1'000}, exposure, Units{}, true) == Units{0});
}

TEST_CASE("what was completed without a slot comes beside the open exposure, once") {
    const Units exposure{1'000};
    const Units need{50'000};
    CHECK(open_units_to_lease(Units{0}, exposure, need, true) == Units{51'000});
    CHECK(open_units_to_lease(Units{1'000}, exposure, need, true) == Units{50'000});
    CHECK(open_units_to_lease(Units{51'000}, exposure, need, true) == Units{0});  // the answer was lost
    CHECK(open_units_to_lease(Units{51'000}, exposure, Units{}, true) == Units{0});
    CHECK(open_units_to_lease(Units{400}, exposure, Units{}, false) == Units{600});
}

TEST_CASE("an open tranche is leased no further than its units can be counted") {
    Tranche open = limited(3, 0);
    open.purchased.reset();
    open.charged = Units{core::limits::counter_max - 5};
    open.leased = Units{3};
    CHECK(room_of_open(open) == Units{2});
    open.leased = Units{5};
    CHECK(room_of_open(open) == Units{0});
    open.leased = Units{1'000};
    CHECK(room_of_open(open) == Units{0});
}

TEST_CASE("a lease is filled in draw order and skips open tranches") {
    Tranche open = limited(3, 0);
    open.purchased.reset();
    const std::vector<Tranche> tranches{limited(1, 2), limited(2, 3), open};
    CHECK(fill(tranches, Units{0}) == std::vector{Units{0}, Units{0}, Units{0}});
    CHECK(fill(tranches, Units{2}) == std::vector{Units{2}, Units{0}, Units{0}});
    CHECK(fill(tranches, Units{3}) == std::vector{Units{2}, Units{1}, Units{0}});
    CHECK(fill(tranches, Units{5}) == std::vector{Units{2}, Units{3}, Units{0}});
}

TEST_CASE("what runs holds the units that it fills and the one in progress") {
    const auto begun = [](std::int64_t usage) {
        return units_begun(core::Amount{usage}, core::Amount{2'000});
    };
    CHECK(begun(0) == Units{0});
    CHECK(begun(1) == Units{1});
    CHECK(begun(1'999) == Units{1});
    CHECK(begun(2'000) == Units{1});
    CHECK(begun(2'001) == Units{2});
}

TEST_CASE("who comes later doesn't overtake what older tickets need, and has what is beyond it") {
    const auto need = [](std::int64_t units, std::int64_t available, std::int64_t older) {
        return units_to_lease({Units{units}, false, false, Units{0}, Units{0}}, Units{available},
                              {Units{older}, Units{older}}, 2);
    };
    CHECK(need(3, 5, 0) == Units{3});
    CHECK(need(3, 5, 2) == Units{3});
    CHECK(need(3, 5, 3) == Units{2});
    CHECK(need(3, 5, 5) == Units{0});
    CHECK(need(3, 5, 9) == Units{0});
}

TEST_CASE("a ticket is served before younger ones, and no reserve before any of them") {
    const SetAside aside{Units{1}, Units{8}};  // one older, seven younger
    CHECK(units_to_lease({Units{4}, true, false, Units{9}, Units{0}}, Units{5}, aside, 1) == Units{4});
    CHECK(units_to_lease({Units{0}, true, false, Units{9}, Units{0}}, Units{8}, aside, 1) == Units{0});
    CHECK(units_to_lease({Units{0}, true, false, Units{9}, Units{0}}, Units{9}, aside, 1) == Units{1});
}

TEST_CASE("who is idle is given no reserve that would be recalled at once") {
    const auto given = [](std::int64_t available) {
        return units_to_lease({Units{0}, true, true, Units{9}, Units{0}}, Units{available}, {}, 2);
    };
    CHECK(given(3) == Units{0});
    CHECK(given(4) == Units{0});
    CHECK(given(5) == Units{1});  // four are left: 2N
    CHECK(given(20) == Units{5});
}

TEST_CASE("reserve is recalled while others wait, and from the idle while little is left") {
    const auto recalled = [](bool idle, bool others_wait, std::int64_t available) {
        return units_to_recall(Units{3}, idle, others_wait, Units{available}, 2);
    };
    CHECK(recalled(false, true, 100) == Units{3});
    CHECK(recalled(false, false, 0) == Units{0});
    CHECK(recalled(true, false, 3) == Units{3});  // 2N - 1
    CHECK(recalled(true, false, 4) == Units{0});
    CHECK(units_to_recall(Units{-1}, true, true, Units{0}, 2) == Units{0});
}

TEST_CASE("a checkout is leased exactly or not at all, what is held already as far as the pool goes") {
    const auto lease = [](std::int64_t need, std::int64_t beyond, std::int64_t free, std::int64_t available) {
        return capacity_to_lease(Units{need}, Units{beyond}, Units{free}, Units{available}).value();
    };
    CHECK(lease(5, 0, 0, 5) == 5);
    CHECK(lease(5, 0, 0, 4) == 0);
    CHECK(lease(5, 0, 2, 3) == 3);  // the rest is on its way
    CHECK(lease(5, 0, 2, 2) == 0);
    CHECK(lease(5, 0, 5, 9) == 0);
    CHECK(lease(4, 4, 0, 3) == 3);
    CHECK(lease(6, 4, 0, 6) == 6);
    CHECK(lease(6, 4, 0, 5) == 4);
    CHECK(lease(6, 4, 0, 3) == 3);
    CHECK(lease(0, 0, 0, 9) == 0);
}
