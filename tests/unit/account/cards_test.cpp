// What an admin sees of a team's pool.
#include "account/cards.hpp"

#include <algorithm>
#include <boost/json/object.hpp>

#include "core/limits.hpp"
#include "tests/support/catch.hpp"

using namespace meterbox;
using namespace meterbox::account;
using core::BalanceState;
using core::Units;

namespace {

constexpr core::UtcTime now{1'700'000'000'000};
const core::Resource render{"render",
                            "Rendering",
                            core::Kind::exhaustible,
                            core::Measure::duration,
                            core::Amount{20 * core::minute_ms},
                            core::Enforcement::hard};

Tranche bought(std::int64_t purchased, std::int64_t charged, std::int64_t leased = 0) {
    Tranche tranche;
    tranche.id = 1;
    tranche.purchased = Units{purchased};
    tranche.charged = Units{charged};
    tranche.leased = Units{leased};
    tranche.available = Units{purchased - charged - leased};
    tranche.starts_at = now + -core::day_ms;
    return tranche;
}

Tranche open_payg(std::int64_t charged) {
    Tranche tranche;
    tranche.id = 9;
    tranche.tier = core::Tier::payg;
    tranche.charged = Units{charged};
    tranche.leased = Units{1'000};
    tranche.starts_at = now + -core::day_ms;
    return tranche;
}

core::Card card(const std::vector<Tranche>& tranches, bool had_grants = true) {
    return make_card(render, tranches, had_grants, {}, 20, now);
}

}  // namespace

TEST_CASE("worked example 4: 150 bought and 10 charged is 140 of 150, 7 % used and green; at 120 it is red") {
    const core::Card green = card({bought(150, 10)});
    CHECK(green.available_units == Units{140});
    CHECK(green.purchased_units == Units{150});
    CHECK(core::used_percent(green.purchased_units, green.available_units) == 7);
    CHECK(green.state == BalanceState::ok);
    const core::Card red = card({bought(150, 120)});
    CHECK(red.available_units == Units{30});
    CHECK(red.state == BalanceState::low);
}

TEST_CASE("a card is low at 20 % and green one unit above") {
    CHECK(card({bought(150, 119)}).state == BalanceState::ok);
    CHECK(card({bought(150, 120)}).state == BalanceState::low);
    CHECK(card({bought(150, 149)}).state == BalanceState::low);
    CHECK(card({bought(150, 150)}).state == BalanceState::exhausted);
    CHECK(card({bought(150, 150)}).reason == "exhausted");
}

TEST_CASE("leased units count as available on the account's card") {
    const core::Card some = card({bought(150, 10, 40)});
    CHECK(some.available_units == Units{140});
    CHECK(some.leased_units == Units{40});
    CHECK(some.charged_units == Units{10});
}

TEST_CASE("a card counts what is valid now and nothing else") {
    Tranche ended = bought(100, 5);
    ended.ends_at = now;
    Tranche ending = bought(10, 0);
    ending.ends_at = now + 1;
    Tranche coming = bought(1'000, 0);
    coming.starts_at = now + 1;
    Tranche starting = bought(7, 0);
    starting.starts_at = now;
    const core::Card some = card({ended, ending, coming, starting});
    CHECK(some.purchased_units == Units{17});
    CHECK(some.charged_units == Units{0});
    CHECK_FALSE(some.ends_at);  // one has none
    CHECK(card({ending}).ends_at == now + 1);
}

TEST_CASE("a card says of each grant what goes and what comes when its cycle or the grant itself ends") {
    const auto cycle = [](std::int64_t id, std::int64_t grant, core::UtcTime ends_at, std::int64_t purchased,
                          std::int64_t charged) {
        Tranche tranche = bought(purchased, charged);
        tranche.id = id;
        tranche.grant = grant;
        tranche.cycles = true;
        tranche.ends_at = ends_at;
        return tranche;
    };
    const Tranche first = cycle(1, 1, now + 100, 10, 6);
    Tranche next = cycle(2, 1, now + 200, 12, 0);
    next.starts_at = now + 100;
    const Tranche second = cycle(3, 2, now + 150, 5, 3);  // nobody has looked for what follows
    Tranche last = cycle(4, 3, now + 120, 8, 0);
    last.grant_ends_at = now + 120;
    Tranche endless = bought(20, 1);
    endless.id = 5;
    const core::Card some = card({first, next, second, last, endless});
    REQUIRE(some.tiers.size() == 1);
    CHECK(some.purchased_units == Units{10 + 5 + 8 + 20});
    CHECK(some.tiers[0].turns ==
          std::vector<core::CardTurn>{{"t1", now + 100, Units{10}, Units{4}, Units{6}, Units{12}},
                                      {"t2", now + 200, Units{12}, Units{12}, Units{0}, Units{12}, now + 100},
                                      {"t3", now + 150, Units{5}, Units{2}, Units{3}, Units{5}},
                                      {"t4", now + 120, Units{8}, Units{8}, Units{0}, {}}});

    const std::vector<Tranche> as_many(core::limits::card_turns_max, last);
    CHECK(card(as_many).tiers[0].turns.size() == as_many.size());
    CHECK(card(std::vector<Tranche>(as_many.size() + 1, last)).tiers[0].turns.empty());

    core::Resource asset = render;
    asset.kind = core::Kind::returnable;
    CHECK(make_card(asset, std::vector{first}, true, {}, 20, now).tiers[0].turns.empty());
}

TEST_CASE("a team whose grants have all ended has ended, one that never had any is exhausted") {
    Tranche ended = bought(100, 5);
    ended.ends_at = now;
    CHECK(card({ended}).state == BalanceState::ended);
    CHECK(card({}).state == BalanceState::ended);
    CHECK(card({}, false).state == BalanceState::exhausted);
    CHECK_FALSE(core::used_percent(card({}).purchased_units, card({}).available_units));
}

TEST_CASE("open payg is left out of the balance, keeps the state ok, and counts as charged") {
    const core::Card some = card({bought(10, 10), open_payg(3)});
    CHECK(some.state == BalanceState::ok);
    CHECK(some.available_units == Units{0});
    CHECK(some.purchased_units == Units{10});
    CHECK(some.charged_units == Units{13});
    REQUIRE(some.tiers.size() == 2);
    CHECK(some.tiers[0].tier == core::Tier::free);
    CHECK(some.tiers[0].purchased_units == Units{10});
    CHECK(some.tiers[1].tier == core::Tier::payg);
    CHECK_FALSE(some.tiers[1].available_units);
    CHECK_FALSE(some.tiers[1].purchased_units);
}

TEST_CASE("a card can be read by every agent of the team, whatever one of them says of its overage") {
    const PoolTotals absurd{core::Amount{std::int64_t{1} << 62}, Units{std::int64_t{1} << 62}};
    const core::Card said = make_card(render, std::vector{bought(10, 3)}, true, absurd, 20, now);
    const auto read = core::card_from_json(core::card_to_json(said));
    REQUIRE(read.has_value());
    CHECK(read->overage_units == Units{core::limits::counter_max});
    CHECK(read->available_units == Units{7});
}

TEST_CASE("a resource without enforcement is always ok") {
    core::Resource unenforced = render;
    unenforced.enforcement = core::Enforcement::none;
    CHECK(make_card(unenforced, {}, false, {}, 20, now).state == BalanceState::ok);
}

TEST_CASE("draw order: tier, then what ends soonest, then the smaller, then the older, then the lower id") {
    Tranche free_endless = bought(5, 0);
    free_endless.id = 8;
    Tranche free_ending = bought(50, 0);
    free_ending.id = 7;
    free_ending.ends_at = now + core::day_ms;
    Tranche free_larger = bought(6, 0);
    free_larger.id = 1;
    Tranche free_younger = bought(6, 0);
    free_younger.id = 2;
    free_younger.starts_at = now;
    Tranche free_twin = free_younger;
    free_twin.id = 3;
    Tranche capped = bought(1, 0);
    capped.id = 4;
    capped.tier = core::Tier::payg;
    Tranche open = open_payg(0);

    std::vector<Tranche> drawn{open, free_twin, capped, free_younger, free_larger, free_endless, free_ending};
    std::ranges::sort(drawn, drawn_before);
    std::vector<std::int64_t> ids;
    for (const Tranche& tranche : drawn) ids.push_back(tranche.id);
    CHECK(ids == std::vector<std::int64_t>{7, 8, 1, 2, 3, 4, 9});
}

TEST_CASE("a tranche's name is read back, and nothing else is") {
    CHECK(tranche_from(tranche_name(17)) == 17);
    for (const char* text : {"", "t", "17", "t0", "t-1", "t1x", "t 1", "g1", "t99999999999999999999"}) {
        CHECK_FALSE(tranche_from(text));
    }
}
