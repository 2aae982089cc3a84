// What an agent out of reach shows of a team's balance once a refresh has passed.
#include "core/refresh.hpp"

#include "tests/support/catch.hpp"
#include "tests/unit/core_deciding/builders.hpp"

using namespace meterbox;
using namespace meterbox::tests;
using core::Supply;
using core::Tier;
using core::Units;

namespace {

// 10 a cycle, of which all were charged, and 5 of flex that stay, of which 2 were. The cycle ends at 100.
Supply told_before_the_refresh() {
    Supply supply;
    core::Card& card = supply.team.emplace();
    card.tiers = {{Tier::free, Units{0}, Units{10}, {}, core::UtcTime{100}},
                  {Tier::flex, Units{3}, Units{5}, core::UtcTime{900}, {}}};
    card.available_units = Units{3};
    card.purchased_units = Units{15};
    card.charged_units = Units{12};
    card.refreshes_at = core::UtcTime{100};
    card.ends_at = core::UtcTime{900};
    supply.charged_at_card[Tier::free] = Units{8};
    supply.charged_at_card[Tier::flex] = Units{2};
    return supply;
}

core::ResourceLedger leased_ahead() {
    return ledger_with(10, {leased("now", Tier::free, 8, 0, 100), leased("next", Tier::free, 4, 100),
                            leased("flex", Tier::flex, 2, 0)});
}

}  // namespace

TEST_CASE(
    "out of reach a balance counts anew once its refresh has passed, and never more than was purchased") {
    core::ResourceLedger ledger = leased_ahead();
    REQUIRE(charge(ledger, 100) == 10);
    Supply supply = told_before_the_refresh();
    const Supply before = supply;
    core::refresh(supply, ledger, at(99));
    CHECK(supply.team == before.team);
    CHECK(supply.charged_at_card == before.charged_at_card);

    REQUIRE(charge(ledger, 10, at(100)) == 1);
    for (int again = 0; again < 2; ++again) {
        core::refresh(supply, ledger, at(100));
        const core::Card& card = *supply.team;
        CHECK(card.tiers[0].available_units == Units{10});
        CHECK(card.tiers[1].available_units == Units{3});
        CHECK(card.available_units == Units{13});
        CHECK(card.purchased_units == Units{15});
        CHECK(card.charged_units == Units{2});
        CHECK_FALSE(card.refreshes_at);  // when the next one is, only the account knows
        CHECK(card.ends_at == core::UtcTime{900});
        const core::TierUnits since = core::charged_since(ledger, supply);
        CHECK(since[Tier::free] == Units{1});  // of this cycle
        CHECK(since[Tier::flex] == Units{0});
    }
}

TEST_CASE("a refresh that is still to come stays on the card, whichever tier has it") {
    Supply supply = told_before_the_refresh();
    supply.team->tiers[1].refreshes_at = core::UtcTime{200};
    core::refresh(supply, leased_ahead(), at(150));
    CHECK(supply.team->refreshes_at == core::UtcTime{200});
    CHECK(supply.team->tiers[1].available_units == Units{3});
}

TEST_CASE("of an open payg grant a refresh has no units to count anew") {
    Supply supply = told_before_the_refresh();
    supply.team->tiers[0] = {Tier::payg, {}, {}, {}, core::UtcTime{100}};
    core::refresh(supply, leased_ahead(), at(150));
    CHECK(supply.team->available_units == Units{3});
    CHECK_FALSE(supply.team->tiers[0].refreshes_at);
}
