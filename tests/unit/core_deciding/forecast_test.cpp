// How long a lease lasts: each tranche up to its end, from its begin on, and nothing new past spend-until.
#include "core/forecast.hpp"

#include <limits>

#include "tests/support/catch.hpp"
#include "tests/unit/core_deciding/builders.hpp"

using namespace meterbox;
using namespace meterbox::tests;
using core::Amount;
using core::Supply;
using core::Tier;
using core::Units;

namespace {

std::optional<std::int64_t> lasts(const core::ResourceLedger& ledger, std::int64_t running = 0,
                                  std::int64_t sessions = 1, std::int64_t now = 0,
                                  const Supply& supply = {}) {
    return core::lease_lasts_ms(ledger, supply, Amount{running}, Amount{sessions * core::hour_ms}, at(now));
}

}  // namespace

TEST_CASE("a forecast goes no further than the end of the grant that it is about") {
    const auto ledger = ledger_with(20'000, {leased("g", Tier::free, 1, 0, 10'000)});
    CHECK(lasts(ledger) == 10'000);
    CHECK(lasts(ledger, 0, 1, 9'999) == 1);
    CHECK(lasts(ledger, 0, 1, 10'000) == 0);
    CHECK(lasts(ledger, 0, 4) == 5'000);
    CHECK(lasts(ledger, 19'000) == 1'000);
}

TEST_CASE("a unit in progress whose grant ends goes on with the next, and what the ended one had is gone") {
    const auto ledger = ledger_with(10, {leased("a", Tier::free, 5, 0, 15), leased("b", Tier::flex, 2)});
    CHECK(lasts(ledger) == 10 + 20);  // one unit of a, and two of b: the first is half done at 15
    const auto late = ledger_with(10, {leased("a", Tier::free, 1, 0, 100), leased("b", Tier::flex, 2)});
    CHECK(lasts(late) == 30);
}

TEST_CASE("what is leased of the next cycle counts from its begin, where nothing is missing until then") {
    const auto joined = ledger_with(10, {leased("a", Tier::free, 5, 0, 20), leased("b", Tier::free, 3, 20)});
    CHECK(lasts(joined) == 20 + 30);
    const auto apart = ledger_with(10, {leased("a", Tier::free, 5, 0, 20), leased("b", Tier::free, 3, 21)});
    CHECK(lasts(apart) == 20);
}

TEST_CASE("overage takes the first units that a forecast sees") {
    auto ledger = ledger_with(10, {leased("a", Tier::free, 1, 0, 100), leased("b", Tier::free, 5, 20)});
    (void)charge(ledger, 30);
    CHECK(lasts(ledger) == 0);
    CHECK(lasts(ledger, 0, 1, 20) == 30);  // three of five
}

TEST_CASE("past spend-until a forecast counts no more than the unit in progress") {
    const auto ledger = ledger_with(10, {leased("g", Tier::free, 5)});
    Supply supply;
    supply.spend_until = core::UtcTime{23};
    CHECK(lasts(ledger, 0, 1, 0, supply) == 30);
    supply.spend_until = core::UtcTime{20};
    CHECK(lasts(ledger, 0, 1, 0, supply) == 20);
    CHECK(lasts(ledger, 7, 1, 20, supply) == 3);
    supply.suspect = true;
    CHECK(lasts(ledger, 0, 1, 0, supply) == 0);
}

TEST_CASE("nothing that runs has no forecast, and neither has what lasts for good") {
    CHECK_FALSE(lasts(ledger_with(10, {leased("g", Tier::free, 5)}), 0, 0));
    CHECK_FALSE(
        lasts(ledger_with(1'000'000, {leased("g", Tier::free, std::numeric_limits<std::int64_t>::max())})));
}

TEST_CASE("a forecast agrees with time that passes millisecond by millisecond") {
    for (std::int64_t sessions = 1; sessions <= 3; ++sessions)
        for (std::int64_t end = 1; end <= 40; ++end)
            for (std::int64_t begin = 1; begin <= 40; ++begin) {
                auto ledger =
                    ledger_with(6, {leased("a", Tier::free, 4, 0, end), leased("b", Tier::free, 3, begin)});
                std::int64_t passed = 0;
                const auto forecast = lasts(ledger, 0, sessions);
                while (ledger.available(at(passed)) >= Amount{sessions}) {
                    (void)charge(ledger, sessions, at(passed));
                    ++passed;
                }
                CHECK(forecast == passed);
            }
}

TEST_CASE("a team's balance lasts no longer than its grants, though more was left of them") {
    core::Card card;
    card.unit_size = Amount{10};
    card.tiers = {{Tier::free, Units{5}, Units{5}, core::UtcTime{30}, {}},
                  {Tier::flex, Units{8}, Units{8}, core::UtcTime{70}, {}},
                  {Tier::payg, {}, {}, {}, {}}};
    const Amount one{core::hour_ms};
    CHECK(core::card_lasts_ms(card, one, {0}) == 70);
    CHECK(core::card_lasts_ms(card, Amount{2 * core::hour_ms}, {0}) == 65);
    card.remainder = Amount{9};  // of the unit in progress
    CHECK(core::card_lasts_ms(card, Amount{2 * core::hour_ms}, {0}) == 60);
    card.remainder = {};
    card.tiers[1].ends_at.reset();
    CHECK(core::card_lasts_ms(card, one, {0}) == 30 + 80);
    CHECK(core::card_lasts_ms(card, one, {40}) == 80);
    CHECK_FALSE(core::card_lasts_ms(card, Amount{}, {0}));
    card.refreshes_at = core::UtcTime{110};
    CHECK_FALSE(core::card_lasts_ms(card, one, {0}));
    card.refreshes_at = core::UtcTime{111};
    CHECK(core::card_lasts_ms(card, one, {0}) == 110);
}

TEST_CASE("of a tier's grants each lasts to its own end, one after the other") {
    core::Card card;
    card.unit_size = Amount{10};
    card.tiers = {{Tier::free, Units{21}, Units{21}, {}, {}}};
    core::CardTier& tier = card.tiers[0];
    tier.turns = {{"soon", core::UtcTime{30}, Units{10}, Units{10}, Units{0}, {}},
                  {"late", core::UtcTime{60}, Units{7}, Units{7}, Units{0}, {}},
                  {"next", core::UtcTime{90}, Units{9}, Units{9}, Units{0}, {}, core::UtcTime{30}}};
    const Amount one{core::hour_ms};
    CHECK(core::card_lasts_ms(card, one, {0}) ==
          60 + 40);                    // of the first 30, of the second 30, and 4 of no end
    tier.available_units = Units{12};  // five of the last to end are left
    CHECK(core::card_lasts_ms(card, Amount{10 * core::hour_ms}, {0}) == 12);
    CHECK(core::card_lasts_ms(card, one, {0}) == 30 + 20);
    tier.turns.clear();
    CHECK(core::card_lasts_ms(card, one, {0}) == 120);
}
