// Cards: the percentage and the state's threshold as the domain's examples have them, and JSON.
#include "core/card.hpp"

#include <boost/json/object.hpp>
#include <limits>

#include "tests/support/catch.hpp"
#include "tests/unit/core_parsing/samples.hpp"

using namespace meterbox::core;
using meterbox::tests::Samples;

TEST_CASE("worked example 4: of 150 bought, 10 charged is 7 % and green, 120 charged is red") {
    CHECK(used_percent(Units{150}, Units{140}) == 7);
    CHECK_FALSE(is_low(Units{150}, Units{140}, 20));
    CHECK(used_percent(Units{150}, Units{30}) == 80);
    CHECK(is_low(Units{150}, Units{30}, 20));
}

TEST_CASE("a percentage is rounded half up") {
    CHECK(used_percent(Units{200}, Units{199}) == 1);   // 0.5
    CHECK(used_percent(Units{201}, Units{200}) == 0);   // 0.4975
    CHECK(used_percent(Units{1000}, Units{995}) == 1);  // 0.5
    CHECK(used_percent(Units{1000}, Units{996}) == 0);  // 0.4
    CHECK(used_percent(Units{3}, Units{2}) == 33);
    CHECK(used_percent(Units{3}, Units{1}) == 67);
    CHECK(used_percent(Units{5}, Units{5}) == 0);
    CHECK(used_percent(Units{5}, Units{0}) == 100);
}

TEST_CASE("nothing purchased has no percentage and is never low") {
    CHECK_FALSE(used_percent(Units{0}, Units{0}));
    CHECK_FALSE(is_low(Units{0}, Units{0}, 20));
}

TEST_CASE("more available than was purchased is 0 % used, however much it is") {
    CHECK(used_percent(Units{15}, Units{30}) == 0);
    CHECK(used_percent(Units{1}, Units{std::numeric_limits<std::int64_t>::max()}) == 0);
}

TEST_CASE("low begins at the threshold, not at the rounded figure") {
    CHECK(is_low(Units{1000}, Units{200}, 20));
    CHECK_FALSE(is_low(Units{1000}, Units{201}, 20));  // rounds to 80 % used all the same
    CHECK(used_percent(Units{1000}, Units{201}) == 80);
    CHECK(is_low(Units{3}, Units{0}, 20));
    CHECK_FALSE(is_low(Units{3}, Units{1}, 20));
    CHECK_FALSE(is_low(Units{10}, Units{1}, 0));
}

TEST_CASE("the largest amounts don't overflow") {
    const std::int64_t most = std::numeric_limits<std::int64_t>::max();
    CHECK(used_percent(Units{most}, Units{0}) == 100);
    CHECK(used_percent(Units{most}, Units{most}) == 0);
    CHECK(is_low(Units{most}, Units{most / 5}, 20));
    CHECK_FALSE(is_low(Units{most}, Units{most / 5 + 1}, 20));
}

TEST_CASE("a card has exactly the members of the contract, in its order") {
    Card card;
    card.resource = "render";
    card.tiers = {{Tier::payg, {}, {}, {}, {}}};
    const boost::json::object object = card_to_json(card);
    std::string names;
    for (const auto& member : object) names += std::string{member.key()} + ' ';
    CHECK(names ==
          "resource name kind state reason available_units purchased_units leased_units charged_units "
          "used_percent "
          "remainder unit_size measure tiers ends_at refreshes_at exhausts_at overage_units enforcement "
          "as_of ");
    std::string tier_names;
    for (const auto& member : object.at("tiers").at(0).as_object()) {
        tier_names += std::string{member.key()} + ' ';
    }
    CHECK(tier_names == "tier available_units purchased_units ends_at refreshes_at ");
    CHECK(object.at("used_percent").is_null());
    CHECK(object.at("reason").is_null());
    CHECK(object.at("ends_at").is_null());
}

TEST_CASE("each card comes back from its JSON") {
    Samples samples{4};
    for (int i = 0; i < 2'000; ++i) {
        const Card card = samples.card();
        const Result<Card> back = card_from_json(card_with_turns_to_json(card));
        REQUIRE(back);
        REQUIRE(*back == card);
    }
}

TEST_CASE("an agent reads the card of an account that says no turns, and shows nobody those that one says") {
    Card card;
    card.resource = "render";
    card.tiers = {{Tier::free, Units{1}, Units{1}, {}, {}}};
    const boost::json::object without = card_to_json(card);
    CHECK(card_with_turns_to_json(card) == without);
    card.tiers[0].turns = {{"t7", UtcTime{100}, Units{1}, Units{1}, Units{0}, {}}};
    CHECK(card_to_json(card) == without);
    boost::json::object with = card_with_turns_to_json(card);
    CHECK(card_from_json(with)->tiers[0].turns == card.tiers[0].turns);
    boost::json::object& tier = with["tiers"].as_array()[0].as_object();
    tier["turns"] = nullptr;
    CHECK(card_from_json(with)->tiers[0].turns.empty());
    tier["turns"] = boost::json::array{boost::json::object{}};
    CHECK(card_from_json(with).error().pointer == "/tiers/0/turns/0/tranche");
}

TEST_CASE("open payg is known by its tier without figures") {
    Card card;
    card.resource = "render";
    card.tiers = {{Tier::payg, {}, {}, {}, {}}};
    CHECK(card_from_json(card_to_json(card))->payg_open);
    card.tiers = {{Tier::payg, Units{5}, Units{9}, {}, {}}, {Tier::flex, {}, {}, {}, {}}};
    CHECK_FALSE(card_from_json(card_to_json(card))->payg_open);
}

TEST_CASE("a card with a member missing or wrong is refused with its pointer") {
    Card card;
    card.resource = "render";
    card.tiers = {{Tier::free, Units{1}, Units{1}, {}, {}}};
    const boost::json::object good = card_to_json(card);
    REQUIRE(card_from_json(good));
    for (const char* member :
         {"resource", "kind", "state", "available_units", "purchased_units", "leased_units", "charged_units",
          "remainder", "unit_size", "measure", "tiers", "overage_units", "enforcement", "as_of"}) {
        INFO(member);
        for (const boost::json::value& wrong : {boost::json::value(nullptr), boost::json::value(-1.5),
                                                boost::json::value("\n"), boost::json::value(-1)}) {
            boost::json::object bad = good;
            bad[member] = wrong;
            const Result<Card> card_or = card_from_json(bad);
            REQUIRE_FALSE(card_or);
            CHECK(card_or.error().code == ErrorCode::malformed);
            CHECK(card_or.error().pointer == std::string{"/"} + member);
        }
        boost::json::object without = good;
        without.erase(member);
        REQUIRE_FALSE(card_from_json(without));
    }
    boost::json::object bad_tier = good;
    bad_tier["tiers"].as_array()[0].as_object()["tier"] = "gold";
    CHECK(card_from_json(bad_tier).error().pointer == "/tiers/0/tier");
    CHECK(card_from_json(boost::json::value("card")).error().code == ErrorCode::malformed);
}

TEST_CASE("the states of a balance have the contract's names") {
    const char* names[] = {"unknown", "ended", "exhausted", "low", "ok"};
    for (int i = 0; i < 5; ++i) {
        const auto state = static_cast<BalanceState>(i);
        CHECK(name_of(state) == names[i]);
        CHECK(balance_state_from(names[i]) == state);
    }
    CHECK_FALSE(balance_state_from("green"));
}
