// The gate: which state follows from which balance, at every threshold from both sides.
#include "core/gate.hpp"

#include <limits>

#include "tests/support/catch.hpp"
#include "tests/unit/core_deciding/builders.hpp"
#include "tests/unit/core_deciding/supply_builder.hpp"

using namespace meterbox;
using namespace meterbox::tests;
using core::Amount;
using core::BalanceState;
using core::Standing;
using core::Supply;
using core::Tier;
using core::Units;

namespace {

BalanceState state(const core::ResourceLedger& ledger, const Supply& supply, std::int64_t running = 0,
                   std::int64_t now = 0) {
    return core::standing(ledger, supply, Amount{running}, at(now)).state;
}

core::ResourceLedger enforced(core::Enforcement enforcement, std::vector<core::LeaseTranche> tranches) {
    core::ResourceLedger ledger{resource_of(10, enforcement)};
    (void)ledger.take_lease(lease_of(10, std::move(tranches)), at(0));
    return ledger;
}

}  // namespace

TEST_CASE("a resource without any balance heard is unknown, whatever is leased") {
    Supply supply;
    CHECK(state(ledger_with(10, {}), supply) == BalanceState::unknown);
    CHECK(state(ledger_with(10, {leased("g", Tier::free, 5)}), supply) == BalanceState::unknown);
}

TEST_CASE("low begins at exactly 20 % of what was purchased") {
    const core::ResourceLedger ledger = ledger_with(10, {leased("g", Tier::free, 5)});
    CHECK(state(ledger, supply_of(31, 150)) == BalanceState::ok);
    CHECK(state(ledger, supply_of(30, 150)) == BalanceState::low);
    Supply half = supply_of(75, 150);
    half.low_percent = 50;
    CHECK(state(ledger, half) == BalanceState::low);
    half.low_percent = 49;
    CHECK(state(ledger, half) == BalanceState::ok);
}

TEST_CASE("units completed since the card count towards low, those that it has counted don't") {
    core::ResourceLedger ledger = ledger_with(10, {leased("g", Tier::free, 5)});
    REQUIRE(charge(ledger, 20) == 2);
    Supply supply = supply_of(32, 150);
    CHECK(state(ledger, supply) == BalanceState::low);
    supply.charged_at_card[Tier::free] = Units{1};
    CHECK(state(ledger, supply) == BalanceState::ok);
    supply.charged_at_card[Tier::free] = Units{3};  // never less than none
    supply.team->available_units = Units{31};
    CHECK(state(ledger, supply) == BalanceState::ok);
    supply.team->available_units = Units{30};
    CHECK(state(ledger, supply) == BalanceState::low);
}

TEST_CASE("overage is not charged: the card counts units that took a slot") {
    core::ResourceLedger ledger = ledger_with(10, {leased("g", Tier::free, 1)});
    charge(ledger, 35);
    REQUIRE(ledger.completed() == Units{3});
    Supply supply = supply_of(5, 150);
    CHECK(core::charged_since(ledger, supply).sum() == Units{1});
    supply.charged_at_card[Tier::free] = Units{1};
    CHECK(core::charged_since(ledger, supply).sum() == Units{0});
}

TEST_CASE("the remainder shown is of the unit in progress, what runs included") {
    core::ResourceLedger ledger = ledger_with(10, {leased("g", Tier::free, 5)});
    REQUIRE(charge(ledger, 14) == 1);
    CHECK(core::part_of_unit(ledger, Amount{}) == Amount{4});
    CHECK(core::part_of_unit(ledger, Amount{5}) == Amount{9});
    CHECK(core::part_of_unit(ledger, Amount{6}) == Amount{0});
}

TEST_CASE("a lease under 20 % is low once no more can be had") {
    core::ResourceLedger ledger = ledger_with(10, {leased("g", Tier::free, 5)});
    Supply supply = supply_of(150, 150);
    supply.last_lease = Amount{50};
    CHECK(state(ledger, supply, 41) == BalanceState::ok);  // more can be had
    const int how = GENERATE(0, 1, 2);
    supply.final = how == 0;
    supply.refused = how == 1;
    supply.reachable = how != 2;
    CHECK(state(ledger, supply, 40) == BalanceState::ok);  // 10 of 50 are 20 %
    CHECK(state(ledger, supply, 41) == BalanceState::low);
    supply.last_lease = Amount{7};  // 20 % are 1.4: 1 is under, 2 is not
    CHECK(state(ledger, supply, 48) == BalanceState::ok);
    CHECK(state(ledger, supply, 49) == BalanceState::low);
}

TEST_CASE("the threshold of the largest lease overflows nothing") {
    const core::ResourceLedger ledger = ledger_with(10, {leased("g", Tier::free, 5)});
    Supply supply = supply_of(150, 150);
    supply.final = true;
    supply.low_percent = 100;
    supply.last_lease = Amount{std::numeric_limits<std::int64_t>::max() / 2};
    CHECK(state(ledger, supply) == BalanceState::low);
    supply.team->available_units = Units{-5};
    CHECK(state(ledger, supply) == BalanceState::low);
}

TEST_CASE("exhausted is the very millisecond at which nothing is left and nothing is to be had") {
    const core::ResourceLedger ledger = ledger_with(10, {leased("g", Tier::free, 5)});
    Supply supply = supply_of(150, 150);
    const int how = GENERATE(0, 1, 2);
    supply.final = how == 0;
    supply.refused = how == 1;
    supply.reachable = how != 2;
    CHECK(state(ledger, supply, 49) == BalanceState::ok);
    const Standing gone = core::standing(ledger, supply, Amount{50}, at(0));
    CHECK(gone.state == BalanceState::exhausted);
    CHECK(gone.reason == "exhausted");
    CHECK(gone.available == Amount{0});
    CHECK(gone.available_units == Units{5});  // whole leased units, not completed
    CHECK(core::standing(ledger, supply, Amount{60}, at(0)).available == Amount{0});
}

TEST_CASE("at nothing left a resource isn't exhausted while the account may still answer") {
    const core::ResourceLedger ledger = ledger_with(10, {leased("g", Tier::free, 5)});
    const Standing waits = core::standing(ledger, supply_of(150, 150), Amount{50}, at(0));
    CHECK(waits.state == BalanceState::ok);
    CHECK(waits.available == Amount{0});
    CHECK(waits.reason.empty());
}

TEST_CASE("a team without any grant valid is ended, before it is exhausted") {
    const core::ResourceLedger ledger = ledger_with(10, {});
    Supply supply = supply_of(0, 0);
    supply.refused = true;
    CHECK(state(ledger, supply) == BalanceState::exhausted);
    supply.team->state = BalanceState::ended;
    const Standing ended = core::standing(ledger, supply, Amount{}, at(0));
    CHECK(ended.state == BalanceState::ended);
    CHECK(ended.reason == "ended");
}

TEST_CASE("access ends offline at the moment that the card said") {
    const core::ResourceLedger ledger = ledger_with(10, {leased("g", Tier::free, 5, 0, 1'000)});
    Supply supply = supply_of(5, 5);
    supply.team->ends_at = core::UtcTime{1'000};
    supply.reachable = false;
    CHECK(state(ledger, supply, 0, 999) == BalanceState::ok);
    CHECK(state(ledger, supply, 0, 1'000) == BalanceState::ended);
    const Standing by_the_wall = core::standing(ledger, supply, Amount{}, {{999}, {1'000}});
    CHECK(by_the_wall.state == BalanceState::ended);
    CHECK(by_the_wall.reason == "clock");  // by the trusted one it hasn't
    CHECK(core::standing(ledger, supply, Amount{}, at(1'000)).reason == "ended");
}

TEST_CASE("what is leased beyond the card's end still counts") {
    const core::ResourceLedger ledger = ledger_with(10, {leased("g", Tier::free, 5, 0, 2'000)});
    Supply supply = supply_of(5, 5);
    supply.team->ends_at = core::UtcTime{1'000};
    CHECK(state(ledger, supply, 0, 1'999) == BalanceState::ok);
    CHECK(state(ledger, supply, 0, 2'000) == BalanceState::ended);
}

TEST_CASE("open payg stays ok however little is left, and ends with its exposure while offline") {
    core::ResourceLedger ledger = ledger_with(10, {open_payg("p", 2)});
    Supply supply = supply_of(0, 0);
    supply.team->payg_open = true;
    supply.reachable = false;
    supply.last_lease = Amount{20};
    CHECK(state(ledger, supply, 19) == BalanceState::ok);
    CHECK(state(ledger, supply, 20) == BalanceState::exhausted);
    supply.reachable = true;
    CHECK(state(ledger, supply, 20) == BalanceState::ok);
    REQUIRE(charge(ledger, 20) == 2);
    CHECK(state(ledger, supply) == BalanceState::ok);  // the account is asked for more
}

TEST_CASE("an open payg of the team outweighs a low limited grant") {
    const core::ResourceLedger ledger = ledger_with(10, {leased("g", Tier::free, 1), open_payg("p", 1'000)});
    Supply supply = supply_of(1, 150);
    CHECK(state(ledger, supply) == BalanceState::ok);
    supply.team->payg_open = true;
    CHECK(state(ledger_with(10, {leased("g", Tier::free, 1)}), supply) == BalanceState::ok);
}

TEST_CASE("past spend-until the unit in progress may finish and no new one starts") {
    core::ResourceLedger ledger = ledger_with(10, {leased("g", Tier::free, 5)});
    REQUIRE(charge(ledger, 14) == 1);
    Supply supply = supply_of(150, 150);
    supply.reachable = false;
    supply.spend_until = core::UtcTime{1'000};
    CHECK(core::standing(ledger, supply, Amount{}, at(999)).available == Amount{36});
    CHECK(core::standing(ledger, supply, Amount{}, at(1'000)).available == Amount{6});
    CHECK(core::standing(ledger, supply, Amount{}, {{999}, {1'000}}).available == Amount{6});
    CHECK(core::standing(ledger, supply, Amount{6}, {{999}, {1'000}}).reason == "clock");
    CHECK(state(ledger, supply, 5, 1'000) != BalanceState::exhausted);
    const Standing stale = core::standing(ledger, supply, Amount{6}, at(1'000));
    CHECK(stale.state == BalanceState::exhausted);
    CHECK(stale.reason == "stale");
    CHECK(stale.available_units == Units{4});
}

TEST_CASE("past spend-until a unit begun by what runs may finish too") {
    const core::ResourceLedger ledger = ledger_with(10, {leased("g", Tier::free, 5)});
    Supply supply = supply_of(150, 150);
    supply.reachable = false;
    supply.spend_until = core::UtcTime{1'000};
    CHECK(core::standing(ledger, supply, Amount{}, at(1'000)).available == Amount{0});
    CHECK(core::standing(ledger, supply, Amount{3}, at(1'000)).available == Amount{7});
    CHECK(core::standing(ledger, supply, Amount{10}, at(1'000)).available == Amount{0});
    CHECK(core::standing(ledger, supply, Amount{23}, at(1'000)).available == Amount{7});
}

TEST_CASE("past spend-until the units that had begun finish however long they ran unmetered, and no other") {
    const core::ResourceLedger ledger = ledger_with(10, {leased("g", Tier::free, 5)});
    Supply supply = supply_of(150, 150);
    supply.reachable = false;
    supply.spend_until = core::UtcTime{1'000};
    supply.begun_when_stale = core::units_begun(ledger, Amount{23});
    CHECK(*supply.begun_when_stale == Units{3});
    CHECK(core::standing(ledger, supply, Amount{29}, at(1'006)).available == Amount{1});
    CHECK(core::standing(ledger, supply, Amount{30}, at(1'007)).available == Amount{0});
    CHECK(core::standing(ledger, supply, Amount{31}, at(1'008)).available == Amount{0});
    CHECK(core::standing(ledger, supply, Amount{31}, at(1'008)).reason == "stale");
    core::ResourceLedger metered = ledger;
    charge(metered, 25);
    CHECK(core::standing(metered, supply, Amount{4}, at(1'006)).available == Amount{1});
    supply.begun_when_stale = Units{9};  // never more than there are slots
    CHECK(core::standing(metered, supply, Amount{0}, at(1'006)).available == Amount{25});
}

TEST_CASE("past spend-until a remainder without any leased unit is exhausted, not stale") {
    core::ResourceLedger ledger = ledger_with(10, {leased("g", Tier::free, 1)});
    REQUIRE(charge(ledger, 14) == 1);
    Supply supply = supply_of(150, 150);
    supply.reachable = false;
    supply.spend_until = core::UtcTime{1'000};
    const Standing standing = core::standing(ledger, supply, Amount{}, at(1'000));
    CHECK(standing.available == Amount{0});
    CHECK(standing.reason == "exhausted");
}

TEST_CASE("soft has the states and reasons of hard: nobody is refused or stopped for them") {
    for (const core::Enforcement mode : {core::Enforcement::hard, core::Enforcement::soft}) {
        Supply supply = supply_of(0, 150);
        supply.refused = true;
        const Standing exhausted = core::standing(enforced(mode, {}), supply, Amount{}, at(0));
        CHECK(exhausted.state == BalanceState::exhausted);
        CHECK(exhausted.reason == "exhausted");
        supply.team->state = BalanceState::ended;
        CHECK(state(enforced(mode, {}), supply) == BalanceState::ended);
        const Supply plenty = supply_of(150, 150);
        CHECK(state(enforced(mode, {leased("g", Tier::free, 5)}), plenty) == BalanceState::ok);
    }
}

TEST_CASE("while the journal is doubted nothing can be spent, whatever is leased") {
    const core::ResourceLedger ledger = ledger_with(10, {leased("g", Tier::free, 5)});
    Supply supply = supply_of(100, 150);
    supply.suspect = true;
    const Standing doubted = core::standing(ledger, supply, Amount{0}, at(0));
    CHECK(doubted.state == BalanceState::exhausted);
    CHECK(doubted.reason == "suspect");
    CHECK(doubted.available == Amount{0});
    CHECK(doubted.available_units == Units{5});
    supply.team.reset();
    CHECK(core::standing(ledger, supply, Amount{}, at(0)).reason == "suspect");
    const core::ResourceLedger none = enforced(core::Enforcement::none, {});
    CHECK(core::standing(none, supply, Amount{0}, at(0)).state == BalanceState::ok);
    CHECK(core::standing(none, supply, Amount{0}, at(0)).reason.empty());
}

TEST_CASE(
    "what a turned clock keeps from being valid is refused with the reason clock, what no clock gives "
    "isn't") {
    Supply supply = supply_of(150, 150);
    supply.reachable = false;
    const auto reason = [&supply](const core::ResourceLedger& ledger, core::Now now) {
        return core::standing(ledger, supply, Amount{}, now).reason;
    };
    const core::ResourceLedger ends = ledger_with(10, {leased("g", Tier::free, 5, 0, 1'000)});
    CHECK(reason(ends, {{999}, {1'000}}) == "clock");  // the wall clock is ahead
    CHECK(reason(ends, at(1'000)) == "exhausted");
    CHECK(reason(ends, {{1'000}, {2'000}}) == "exhausted");
    const core::ResourceLedger begins = ledger_with(10, {leased("g", Tier::free, 5, 1'000)});
    CHECK(reason(begins, {{999}, {1'000}}) == "clock");  // nothing trusted says that it has begun
    CHECK(reason(begins, {{998}, {999}}) == "exhausted");
    CHECK(reason(begins, {{1'000}, {2'000}}).empty());
    core::ResourceLedger used = ledger_with(10, {leased("g", Tier::free, 1, 0, 1'000)});
    charge(used, 10);
    CHECK(reason(used, {{999}, {1'000}}) == "exhausted");
}

TEST_CASE("a forecast is what lasts at the present rate, and none where nothing runs") {
    CHECK(core::lasts_ms(Amount{36'000}, Amount{0}) == std::nullopt);
    CHECK(core::lasts_ms(Amount{36'000}, Amount{core::hour_ms}) == 36'000);
    CHECK(core::lasts_ms(Amount{36'000}, Amount{4 * core::hour_ms}) == 9'000);
    CHECK(core::lasts_ms(Amount{0}, Amount{1}) == 0);
    CHECK(core::lasts_ms(Amount{std::int64_t{1} << 60}, Amount{1}) == std::nullopt);
}

TEST_CASE("none is always ok, also without a balance") {
    CHECK(state(enforced(core::Enforcement::none, {}), Supply{}) == BalanceState::ok);
    Supply supply = supply_of(0, 150);
    supply.team->state = BalanceState::ended;
    supply.refused = true;
    CHECK(state(enforced(core::Enforcement::none, {}), supply) == BalanceState::ok);
}

TEST_CASE("more is asked for when half of what is limited is used, or half of the exposure") {
    const auto below = [](std::int64_t lease, std::int64_t exposure) {
        Supply supply;
        supply.last_lease = Amount{lease};
        supply.last_exposure = Amount{exposure};
        return core::ask_below(supply);
    };
    CHECK(below(10, 0) == Amount{5});
    CHECK(below(1, 0) == Amount{0});
    CHECK(below(1'010, 1'000) == Amount{1'005});  // limited units are drawn first
    CHECK(below(1'000, 1'000) == Amount{500});
    CHECK(below(900, 1'000) == Amount{450});
    CHECK(below(0, 0) == Amount{0});
}
