// The ledger's rules one by one, and its limits from both sides.
#include "core/ledger.hpp"

#include "core/limits.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/core_deciding/builders.hpp"

using namespace meterbox;
using namespace meterbox::tests;
using core::Amount;
using core::Completion;
using core::Tier;
using core::Units;

TEST_CASE("a tranche counts from its first instant to the one before its end") {
    const core::ResourceLedger ledger = ledger_with(10, {leased("g", Tier::free, 2, 100, 200)});
    CHECK(ledger.leased(at(99)) == Units{0});
    CHECK(ledger.leased(at(100)) == Units{2});
    CHECK(ledger.leased(at(199)) == Units{2});
    CHECK(ledger.leased(at(200)) == Units{0});
}

TEST_CASE("a tranche starts by the earliest credible time and ends by the latest") {
    const core::ResourceLedger ledger = ledger_with(10, {leased("g", Tier::free, 2, 100, 200)});
    CHECK(ledger.leased({{99}, {150}}) == Units{0});
    CHECK(ledger.leased({{100}, {199}}) == Units{2});
    CHECK(ledger.leased({{150}, {200}}) == Units{0});
}

TEST_CASE("a unit whose tranche ended takes one of the next, and the remainder stays") {
    core::ResourceLedger ledger =
        ledger_with(10, {leased("a", Tier::free, 5, 0, 100), leased("b", Tier::flex, 1)});
    CHECK(charge(ledger, 9, at(99)) == 0);
    CHECK(ledger.remainder() == Amount{9});
    CHECK(charge(ledger, 1, at(100)) == 1);
    CHECK(used_of(ledger, "a") == 0);
    CHECK(used_of(ledger, "b") == 1);
    CHECK(charge(ledger, 7, at(101)) == 0);
    CHECK(ledger.available(at(101)) == Amount{0});
    CHECK(ledger.remainder() == Amount{7});
}

TEST_CASE("what is available ends exactly where the last leased unit does") {
    core::ResourceLedger ledger = ledger_with(10, {leased("g", Tier::free, 2)});
    (void)charge(ledger, 3);
    CHECK(ledger.available(at(0)) == Amount{17});
    CHECK(ledger.spendable(at(0)) == Units{1});
    (void)charge(ledger, 16);
    CHECK(ledger.available(at(0)) == Amount{1});
    CHECK(ledger.overage(at(0)) == Amount{0});
    CHECK(charge(ledger, 1) == 1);
    CHECK(ledger.available(at(0)) == Amount{0});
    CHECK(ledger.overage(at(0)) == Amount{0});
    (void)charge(ledger, 1);
    CHECK(ledger.overage(at(0)) == Amount{1});
    CHECK(ledger.overage_units() == Units{0});
}

TEST_CASE("overage takes the slots of a tranche that begins, at the next report or when asked") {
    core::ResourceLedger ledger = ledger_with(10, {leased("g", Tier::free, 3, 100)});
    CHECK(charge(ledger, 25, at(99)) == 0);
    CHECK(ledger.overage_units() == Units{2});
    SECTION("when asked") {
        CHECK(ledger.settle_overage(at(99)).empty());
        CHECK(ledger.settle_overage(at(100)) == std::vector<Completion>{{0, Units{2}}});
    }
    SECTION("at a report that completes nothing") {
        CHECK(charge(ledger, 1, at(100)) == 2);
    }
    CHECK(ledger.overage_units() == Units{0});
}

TEST_CASE("a lease raises what is granted and never lowers it") {
    core::ResourceLedger ledger = ledger_with(10, {leased("g", Tier::free, 3)});
    CHECK(charge(ledger, 20) == 2);
    (void)ledger.take_lease(lease_of(10, {leased("g", Tier::free, 0)}), at(0));
    CHECK(ledger.leased(at(0)) == Units{1});
    (void)ledger.take_lease(lease_of(10, {leased("g", Tier::free, 3)}), at(0));
    CHECK(ledger.leased(at(0)) == Units{1});
    (void)ledger.take_lease(lease_of(10, {leased("g", Tier::free, 4)}), at(0));
    CHECK(ledger.leased(at(0)) == Units{2});
}

TEST_CASE("order, validity and flags are the newest lease's") {
    core::ResourceLedger ledger =
        ledger_with(10, {leased("a", Tier::free, 1), leased("b", Tier::flex, 1, 0, 100)});
    core::LeaseTranche b = leased("b", Tier::flex, 1, 0, 300);
    b.final = true;
    (void)ledger.take_lease(lease_of(10, {b, leased("a", Tier::free, 1)}), at(0));
    CHECK(ledger.tranches().front().id == "b");
    CHECK(ledger.tranches().front().final);
    CHECK(charge(ledger, 10, at(299)) == 1);
    CHECK(used_of(ledger, "b") == 1);
}

TEST_CASE("a tranche that the lease no longer names gives nothing more and keeps its counters") {
    core::ResourceLedger ledger = ledger_with(10, {leased("a", Tier::free, 3), leased("b", Tier::flex, 1)});
    CHECK(charge(ledger, 10) == 1);
    (void)ledger.take_lease(lease_of(10, {leased("b", Tier::flex, 1)}), at(0));
    CHECK(ledger.leased(at(0)) == Units{1});
    CHECK(charge(ledger, 10) == 1);
    CHECK(used_of(ledger, "a") == 1);
    CHECK(used_of(ledger, "b") == 1);

    SECTION("also after a restart") {
        const core::ResourceLedger again{ledger.resource(), ledger.metered(), ledger.tranches()};
        CHECK(again.leased(at(0)) == Units{0});
    }
    SECTION("until a lease names it again") {
        (void)ledger.take_lease(lease_of(10, {leased("a", Tier::free, 3)}), at(0));
        CHECK(ledger.leased(at(0)) == Units{2});
    }
}

TEST_CASE("open payg counts while it is valid and has units left") {
    core::ResourceLedger ledger = ledger_with(10, {leased("g", Tier::free, 1), open_payg("p", 1)});
    CHECK(ledger.holds_open_payg(at(0)));
    CHECK(charge(ledger, 10) == 1);
    CHECK(ledger.holds_open_payg(at(0)));
    CHECK(charge(ledger, 10) == 1);
    CHECK_FALSE(ledger.holds_open_payg(at(0)));
    CHECK_FALSE(ledger_with(10, {leased("g", Tier::payg, 1)}).holds_open_payg(at(0)));
}

TEST_CASE("a report is taken up to the end of the counter's range, and not a millisecond further") {
    core::ResourceLedger ledger{resource_of(1), Amount{core::limits::counter_max - 5}, {}};
    CHECK_FALSE(ledger.can_meter(Amount{-1}));
    CHECK(ledger.can_meter(Amount{0}));
    CHECK(ledger.can_meter(Amount{5}));
    CHECK_FALSE(ledger.can_meter(Amount{6}));
    CHECK_FALSE(ledger.can_meter(Amount{core::limits::amount_max}));
    CHECK(charge(ledger, 5) == 0);
    CHECK(ledger.overage_units() == Units{core::limits::counter_max});
    CHECK_FALSE(ledger.can_meter(Amount{1}));
    CHECK(charge(ledger, core::limits::amount_max) == 0);  // what a session ran has happened all the same
    CHECK(ledger.metered() == Amount{core::limits::counter_max + core::limits::amount_max});
}

TEST_CASE("the largest lease of the largest unit overflows nothing") {
    std::vector<core::LeaseTranche> tranches;
    for (int i = 0; i < 1'000; ++i)
        tranches.push_back(leased(std::to_string(i), Tier::free, core::limits::units_max));
    core::ResourceLedger ledger = ledger_with(core::limits::unit_size_max, tranches);
    CHECK(ledger.leased(at(0)) == Units{1'000 * core::limits::units_max});
    CHECK(ledger.available(at(0)) > Amount{core::limits::amount_max});
    CHECK(charge(ledger, core::limits::amount_max) == core::limits::amount_max / core::limits::unit_size_max);
    CHECK(ledger.overage(at(0)) == Amount{0});
}

TEST_CASE("a change of name or enforcement leaves every counter as it is") {
    core::ResourceLedger ledger = ledger_with(10, {leased("g", Tier::free, 3)});
    (void)charge(ledger, 15);
    core::Resource changed = resource_of(10, core::Enforcement::soft);
    changed.name = "Renders";
    ledger.describe(changed);
    CHECK(ledger.resource() == changed);
    CHECK(ledger.metered() == Amount{15});
    CHECK(ledger.used() == Units{1});
}

TEST_CASE("units go back from the last drawn on, and what is to be kept stays in draw order") {
    core::ResourceLedger ledger =
        ledger_with(10, {leased("g", Tier::free, 3), leased("f", Tier::flex, 4), open_payg("p", 100)});
    REQUIRE(charge(ledger, 14) == 1);
    CHECK(ledger.begun(Amount{0}) == Units{1});
    CHECK(ledger.begun(Amount{6}) == Units{1});
    CHECK(ledger.begun(Amount{7}) == Units{2});
    CHECK(ledger.returnable(Units{1}, at(0)) == Units{5});
    CHECK(ledger.give_back(Units{1}, at(0)) == Units{5});
    CHECK(ledger.tranches()[0].returned == Units{1});
    CHECK(ledger.tranches()[1].returned == Units{4});
    CHECK(ledger.tranches()[2].returned == Units{0});
    CHECK(ledger.give_back(Units{1}, at(0)) == Units{0});
    CHECK(ledger.give_back(Units{9}, at(0)) == Units{0});
}

TEST_CASE("what isn't valid isn't given back: it may be needed when it is") {
    core::ResourceLedger ledger = ledger_with(10, {leased("g", Tier::free, 3, 0, 100)});
    CHECK(ledger.give_back(Units{0}, at(100)) == Units{0});
    CHECK(ledger.give_back(Units{0}, at(99)) == Units{3});
}

TEST_CASE("what is held stays when its grant ends, and is beyond what is leased then") {
    core::ResourceLedger ledger =
        ledger_with(1, {leased("g", Tier::free, 3, 0, 100), leased("f", Tier::flex, 2)});
    ledger.hold(Units{4});
    CHECK(ledger.held_beyond(at(99)) == Units{0});
    CHECK(ledger.held_beyond(at(100)) == Units{2});
    CHECK(ledger.kept_beyond(ledger.held()) == Units{1});
    CHECK(ledger.give_back_beyond(ledger.held(), at(100)) == Units{1});
    CHECK(ledger.tranches()[0].returned == Units{1});  // what is valid is kept first
    ledger.let_go(Units{4});
    CHECK(ledger.held() == Units{0});
    CHECK(ledger.give_back_beyond(Units{0}, at(100)) == Units{4});
    CHECK(ledger.kept_beyond(Units{0}) == Units{0});
}
