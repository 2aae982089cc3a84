// The worked examples of the domain that core can show alone: each is a test by its number.
#include "core/card.hpp"
#include "core/forecast.hpp"
#include "core/gate.hpp"
#include "core/ledger.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/core_deciding/builders.hpp"

using namespace meterbox;
using namespace meterbox::tests;
using core::Amount;
using core::Tier;
using core::Units;

namespace {
constexpr std::int64_t unit = 20 * core::minute_ms;
}

TEST_CASE("worked example 1: only the millisecond that fills the unit charges it") {
    core::ResourceLedger ledger = ledger_with(unit, {leased("g", Tier::free, 5)});
    CHECK(charge(ledger, 10 * core::minute_ms) == 0);
    CHECK(ledger.remainder() == Amount{10 * core::minute_ms});
    CHECK(charge(ledger, 9 * core::minute_ms + 59 * core::second_ms) == 0);
    CHECK(ledger.remainder() == Amount{19 * core::minute_ms + 59 * core::second_ms});
    CHECK(charge(ledger, core::second_ms) == 1);
    CHECK(ledger.remainder() == Amount{0});
}

TEST_CASE(
    "worked example 2: the unit that half of each cycle fills is the new cycle's, on a lease taken up "
    "before") {
    constexpr std::int64_t boundary = 14 * core::day_ms;
    core::ResourceLedger ledger =
        ledger_with(unit, {leased("july", Tier::free, 5, 0, boundary),
                           leased("august", Tier::free, 5, boundary, boundary + 31 * core::day_ms)});
    CHECK(charge(ledger, unit / 2, at(boundary - 1)) == 0);
    CHECK(ledger.available(at(boundary - 1)) == Amount{5 * unit - unit / 2});
    // The unit in progress takes one of the next tranche; what was left of the old one is gone.
    CHECK(ledger.available(at(boundary)) == Amount{5 * unit - unit / 2});
    CHECK(charge(ledger, unit / 2, at(boundary)) == 1);
    CHECK(used_of(ledger, "july") == 0);
    CHECK(used_of(ledger, "august") == 1);
}

TEST_CASE("a unit in progress whose tranche ends waits where no other is valid") {
    core::ResourceLedger ledger = ledger_with(unit, {leased("july", Tier::free, 5, 0, core::day_ms)});
    CHECK(charge(ledger, unit / 2, at(0)) == 0);
    CHECK(ledger.available(at(core::day_ms)) == Amount{0});
    CHECK(ledger.remainder() == Amount{unit / 2});
    CHECK(ledger.overage(at(core::day_ms)) == Amount{unit / 2});
}

TEST_CASE("worked example 3: six units come from free, token_flex, flex and payg, and none is split") {
    // Tokens are handed to an agent as the whole units that they cover: 7 at 3 a unit are 2, 4 are 1.
    core::ResourceLedger ledger =
        ledger_with(unit, {leased("free", Tier::free, 2), leased("token_flex", Tier::token_flex, 7 / 3),
                           leased("flex", Tier::flex, 4 / 3), open_payg("payg", 1000)});
    CHECK(charge(ledger, 6 * unit) == 6);
    CHECK(used_of(ledger, "free") == 2);
    CHECK(used_of(ledger, "token_flex") == 2);
    CHECK(used_of(ledger, "flex") == 1);
    CHECK(used_of(ledger, "payg") == 1);
    CHECK(7 - 3 * used_of(ledger, "token_flex") == 1);
    CHECK(4 - 3 * used_of(ledger, "flex") == 1);
}

TEST_CASE("worked example 4: 140 of 150 is 7 % used and green, 30 of 150 is red") {
    CHECK(core::used_percent(Units{150}, Units{140}) == 7);
    CHECK_FALSE(core::is_low(Units{150}, Units{140}, 20));
    CHECK(core::used_percent(Units{150}, Units{30}) == 80);
    CHECK(core::is_low(Units{150}, Units{30}, 20));
    CHECK_FALSE(core::is_low(Units{150}, Units{31}, 20));
}

TEST_CASE("worked example 6: four sessions on a final lease of 8 min stop after 2 min, at 8 min metered") {
    core::ResourceLedger ledger = ledger_with(core::minute_ms, {leased("g", Tier::free, 8)});
    core::Supply supply;
    supply.team = core::Card{};
    supply.team->purchased_units = Units{8};
    supply.team->available_units = Units{8};
    supply.reachable = true;
    supply.final = true;
    const core::Standing start = core::standing(ledger, supply, Amount{}, at(0));
    CHECK(start.available == Amount{8 * core::minute_ms});
    const auto lasts_ms = core::lease_lasts_ms(ledger, supply, Amount{}, Amount{4 * core::hour_ms}, at(0));
    REQUIRE(lasts_ms == 2 * core::minute_ms);

    const Amount running{4 * *lasts_ms};
    CHECK(core::standing(ledger, supply, running - Amount{1}, at(0)).state != core::BalanceState::exhausted);
    CHECK(core::standing(ledger, supply, running, at(0)).state == core::BalanceState::exhausted);
    CHECK(charge(ledger, running.value(), at(*lasts_ms)) == 8);
    CHECK(ledger.metered() == Amount{8 * core::minute_ms});
    CHECK(ledger.overage(at(*lasts_ms)) == Amount{0});
}

TEST_CASE("worked example 9: a ledger put back as it was stored has the report, once") {
    core::ResourceLedger before = ledger_with(unit, {leased("g", Tier::free, 5)});
    CHECK(charge(before, unit + core::minute_ms) == 1);
    core::ResourceLedger after{before.resource(), before.metered(), before.tranches()};
    CHECK(after.metered() == Amount{unit + core::minute_ms});
    CHECK(after.used() == Units{1});
    CHECK(after.remainder() == Amount{core::minute_ms});
    CHECK(after.tranches() == before.tranches());
    CHECK(after.settle_overage(at(0)).empty());  // nothing is charged by starting again
    CHECK(charge(after, 0) == 0);
    CHECK(after.metered() == before.metered());
}

TEST_CASE("worked example 11: overage takes the units that come, and the remainder reserves the last") {
    core::ResourceLedger ledger = ledger_with(1'000, {leased("g", Tier::free, 1)});
    CHECK(charge(ledger, 3'500) == 1);
    CHECK(ledger.overage_units() == Units{2});
    CHECK(ledger.overage(at(0)) == Amount{2'500});
    CHECK(ledger.remainder() == Amount{500});

    CHECK(ledger.take_lease(lease_of(1'000, {leased("g", Tier::free, 3)}), at(0)) ==
          std::vector<core::Completion>{{0, Units{2}}});
    CHECK(ledger.used() == Units{3});
    CHECK(ledger.overage_units() == Units{0});
    CHECK(ledger.overage(at(0)) == Amount{500});

    CHECK(ledger.take_lease(lease_of(1'000, {leased("g", Tier::free, 4)}), at(0)).empty());
    CHECK(ledger.used() == Units{3});
    CHECK(ledger.overage(at(0)) == Amount{0});
    CHECK(ledger.remainder() == Amount{500});
    CHECK(ledger.leased(at(0)) == Units{1});
    CHECK(ledger.spendable(at(0)) == Units{0});  // its unit is reserved
    CHECK(ledger.available(at(0)) == Amount{500});
}
