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

namespace {

// Free: 10 a cycle that ends at 100, of which 6 were charged, and 5 a cycle that ends at 150, of which 3
// were.
Supply of_two_anchors() {
    Supply supply;
    core::Card& card = supply.team.emplace();
    card.tiers = {{Tier::free, Units{6}, Units{15}, {}, core::UtcTime{100}}};
    card.tiers[0].turns = {{"a", core::UtcTime{100}, Units{10}, Units{4}, Units{6}, Units{10}},
                           {"b", core::UtcTime{150}, Units{5}, Units{2}, Units{3}, Units{5}}};
    card.available_units = Units{6};
    card.purchased_units = Units{15};
    card.charged_units = Units{9};
    card.refreshes_at = core::UtcTime{100};
    return supply;
}

struct Shown {
    std::int64_t available, purchased, charged;
    friend bool operator==(const Shown&, const Shown&) = default;
};
Shown shown(const Supply& supply, const core::ResourceLedger& ledger) {
    const core::TierUnits since = core::charged_since(ledger, supply);
    const core::Card& card = *supply.team;
    CHECK(card.tiers[0].available_units == card.available_units);
    CHECK(card.tiers[0].purchased_units == card.purchased_units);
    return {(card.available_units - since.sum()).value(), card.purchased_units.value(),
            (card.charged_units + since.sum()).value()};
}

}  // namespace

TEST_CASE("of two grants of a tier each counts anew at its own refresh, and the other stays as it is") {
    core::ResourceLedger ledger = ledger_with(
        10, {leased("a", Tier::free, 3, 0, 100), leased("b", Tier::free, 4, 0, 150),
             leased("next a", Tier::free, 2, 100, 200), leased("next b", Tier::free, 2, 150, 250)});
    REQUIRE(charge(ledger, 40) == 4);  // three of a and one of b, of which the account was told two of a
    Supply supply = of_two_anchors();
    supply.charged_at_card[Tier::free] = Units{2};
    supply.used_at_card = {{"a", Units{2}}, {"b", Units{0}}};
    core::refresh(supply, ledger, at(99));
    CHECK(shown(supply, ledger) == Shown{4, 15, 11});

    REQUIRE(charge(ledger, 20, at(100)) == 2);  // the next two of b
    for (int again = 0; again < 2; ++again) {
        core::refresh(supply, ledger, at(149));
        CHECK(shown(supply, ledger) == Shown{12 - 3, 15, 3 + 3});
        CHECK(supply.team->refreshes_at == core::UtcTime{150});
        CHECK(supply.team->tiers[0].refreshes_at == core::UtcTime{150});
    }
    REQUIRE(charge(ledger, 20, at(149)) == 2);  // one more of b, and one of the next a
    for (int again = 0; again < 2; ++again) {
        core::refresh(supply, ledger, at(150));
        CHECK(shown(supply, ledger) == Shown{15 - 1, 15, 1});
        CHECK_FALSE(supply.team->refreshes_at);
    }

    Supply at_once = of_two_anchors();
    at_once.charged_at_card[Tier::free] = Units{2};
    at_once.used_at_card = {{"a", Units{2}}, {"b", Units{0}}};
    core::refresh(at_once, ledger, at(150));
    CHECK(shown(at_once, ledger) == Shown{14, 15, 1});
}

TEST_CASE("a grant that ends out of reach is on the card no longer, and its tier's others are") {
    const core::ResourceLedger ledger = ledger_with(10, {});
    Supply supply = of_two_anchors();
    supply.team->tiers[0].turns[0].next_units.reset();
    core::refresh(supply, ledger, at(100));
    CHECK(shown(supply, ledger) == Shown{2, 5, 3});
    CHECK(supply.team->refreshes_at == core::UtcTime{150});
}

TEST_CASE("a grant that refreshes and then ends, both out of reach, is on the card no longer") {
    core::ResourceLedger ledger = ledger_with(10, {leased("next a", Tier::free, 3, 100, 120)});
    Supply supply = of_two_anchors();
    supply.team->tiers[0].turns.push_back(
        {"next a", core::UtcTime{120}, Units{10}, Units{10}, Units{0}, {}, core::UtcTime{100}});
    core::refresh(supply, ledger, at(99));
    CHECK(shown(supply, ledger) == Shown{6, 15, 9});
    Supply later = supply;
    REQUIRE(charge(ledger, 20, at(100)) == 2);
    core::refresh(supply, ledger, at(119));
    CHECK(shown(supply, ledger) == Shown{10 - 2 + 2, 15, 3 + 2});
    CHECK(supply.team->refreshes_at == core::UtcTime{150});
    for (Supply* each : {&supply, &later}) {
        core::refresh(*each, ledger, at(120));
        CHECK(shown(*each, ledger) == Shown{2, 5, 3});
    }
}

TEST_CASE("what was charged of an open payg grant is of the cycle that has ended") {
    const core::ResourceLedger ledger = ledger_with(10, {});
    Supply supply = of_two_anchors();
    supply.team->tiers[0] = {Tier::payg, {}, {}, {}, core::UtcTime{100}};
    supply.team->tiers[0].turns = {{"p", core::UtcTime{100}, Units{0}, Units{0}, Units{7}, Units{0}}};
    core::refresh(supply, ledger, at(100));
    CHECK(supply.team->charged_units == Units{2});
    CHECK(supply.team->available_units == Units{6});
    CHECK_FALSE(supply.team->tiers[0].available_units);
    CHECK_FALSE(supply.team->refreshes_at);
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
