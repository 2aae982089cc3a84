// Sessions on a real journal and the balance that they share: who waits begins, who runs out is told, and
// what they complete is published.
#include "tests/contract/sessions_fixture.hpp"

using namespace meterbox;
using tests::noon;
using tests::render;
using tests::uid;
using Fixture = tests::SessionsFixture;

TEST_CASE("an id that is asked for twice while it waits for balance begins once") {
    Fixture agent;
    std::vector<core::Result<agent::OpenedSession>> answers;
    agent.open("x", answers);
    agent.open("x", answers);
    agent.run_until([&] { return agent.asked == 2; });

    agent.lease(5);
    agent.run_until([&] { return answers.size() == 2; });

    REQUIRE(answers[0].has_value());
    REQUIRE(answers[1].has_value());
    CHECK(answers[0]->fresh != answers[1]->fresh);
    CHECK(agent.sessions.active() == 1);
    CHECK(agent.sessions.count("render") == 1);
}

TEST_CASE("a session isn't refused for a reserve that the account didn't give before anybody needed it") {
    Fixture agent;
    agent.balances.find("render")->supply.refused = true;
    agent.sessions.answered(true);
    int asked = agent.asked;
    std::vector<core::Result<agent::OpenedSession>> answers;
    agent.open("", answers);
    CHECK(answers.empty());
    CHECK(agent.asked == asked + 1);
    CHECK(agent.sessions.carry_waiting("render") == 1);
    agent.sessions.answered(true);
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].error().code == core::ErrorCode::exhausted);

    asked = agent.asked;
    agent.open("", answers);  // its need was refused in this moment: it needn't be asked again
    REQUIRE(answers.size() == 2);
    CHECK(answers[1].error().code == core::ErrorCode::exhausted);
    CHECK(agent.asked == asked);
}

TEST_CASE("who waits begins when the enforcement is relaxed, though nothing is available") {
    Fixture agent;
    std::vector<core::Result<agent::OpenedSession>> answers;
    agent.open("x", answers);
    agent.run_until([&] { return agent.asked == 1; });

    REQUIRE(agent.journal->begin());
    agent.journal->describe({render(core::Enforcement::none)});
    REQUIRE(agent.journal->commit());
    agent.sessions.reconsider(agent.balances.publish(agent.journal->take_publications()));
    agent.run_until([&] { return answers.size() == 1; });

    CHECK(answers[0].has_value());
}

TEST_CASE(
    "what is at 0 is exhausted once the account has been silent for half a second, and until it answers") {
    Fixture agent;
    core::Supply& supply = agent.balances.find("render")->supply;
    supply.team = core::Card{};
    supply.team->purchased_units = supply.team->available_units = core::Units{10};
    agent.lease(1);
    agent.report(1'000);
    CHECK(agent.asked == 1);
    agent.sessions.carry_waiting("render");
    agent.pass(499);
    CHECK(agent.sessions.standing("render").state == core::BalanceState::ok);
    agent.pass(1);
    CHECK(agent.sessions.standing("render").state == core::BalanceState::exhausted);
    CHECK(agent.sessions.standing("render").reason == "exhausted");

    std::vector<core::Result<agent::OpenedSession>> answers;
    agent.open("x", answers);
    agent.run_until([&] { return agent.asked == 2; });
    agent.pass(500);
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].error().detail ==
          "what this agent holds of render is used up and the account has not answered yet; its next answer "
          "may cure it");
    agent.sessions.carry_waiting("render");
    agent.sessions.answered(true);
    CHECK(agent.sessions.standing("render").state == core::BalanceState::ok);
}

TEST_CASE("low is looked at when it begins, and not at the next checkpoint") {
    Fixture agent;
    agent.lease(4);
    agent.balances.find("render")->supply.reachable = false;
    std::vector<core::Result<agent::OpenedSession>> answers;
    agent.open("x", answers);
    agent.run_until([&] { return answers.size() == 1; });
    const std::vector<std::int64_t> fired = agent.pass(4'500);
    CHECK(std::count(fired.begin(), fired.end(), 3'201) == 1);  // under 20 % of 4 s
    CHECK(std::count(fired.begin(), fired.end(), 4'000) == 1);  // used up
    CHECK(agent.sessions.count("render") == 0);
}

TEST_CASE("a soft resource asks for more at half of its lease, and stops nobody at its end") {
    Fixture agent(core::Enforcement::soft);
    agent.lease(2);
    std::vector<core::Result<agent::OpenedSession>> answers;
    agent.open("x", answers);
    agent.run_until([&] { return answers.size() == 1; });
    CHECK(agent.asked == 0);
    agent.clock.advance(1'000);
    agent.sessions.reconsider_all();
    CHECK(agent.asked == 1);
    agent.clock.advance(9'000);
    agent.sessions.reconsider_all();
    CHECK(agent.sessions.count("render") == 1);
}

TEST_CASE("a report that comes while the timer is late takes nothing from what sessions ran") {
    Fixture agent;
    agent.lease(5);
    std::vector<core::Result<agent::OpenedSession>> answers;
    agent.open("x", answers);
    agent.run_until([&] { return answers.size() == 1; });
    agent.balances.find("render")->supply.reachable = false;
    agent.clock.advance(6'000);  // the lease was used up a second ago, and nobody has looked
    agent.report(1'000);
    CHECK(agent.sessions.count("render") == 0);
    bool confirmed = false;
    agent.sessions.heartbeat("x", uid, [&](const auto& shown) { confirmed = bool(shown); });
    agent.run_until([&] { return confirmed; });
    CHECK(agent.metered().value() == 6'000);
    CHECK(agent.balances.find("render")->ledger->overage_units().value() == 1);
}

TEST_CASE("overage takes the units of a tranche as soon as it begins, without another report") {
    Fixture agent;
    agent.time.trusted().anchor(noon, agent.time.read());
    agent.lease(5, noon + core::hour_ms);
    agent.report(2'500);
    CHECK(agent.balances.find("render")->ledger->overage_units() == core::Units{2});

    agent.clock.advance(core::hour_ms);
    agent.sessions.reconsider_all();
    agent.settle();

    CHECK(agent.balances.find("render")->ledger->overage_units() == core::Units{0});
    CHECK(agent.sessions.standing("render").available == core::Amount{2'500});
}

TEST_CASE("a unit that sessions complete is published, so that the account hears of it as of a report's") {
    Fixture agent;
    agent.lease(500);
    std::vector<core::Result<agent::OpenedSession>> answers;
    agent.open("x", answers);
    agent.run_until([&] { return answers.size() == 1; });
    agent.completed.clear();
    agent.clock.advance(1'000);
    agent.sessions.heartbeat("x", uid, [](const auto&) {});
    agent.settle();
    CHECK(agent.completed == std::vector{core::Units{1}});
}
