// Sessions on a real journal whose commits fail when told to: no session and no millisecond is lost or
// counted twice, whatever the order in which things come.
#include "tests/contract/sessions_fixture.hpp"

using namespace meterbox;
using tests::noon;
using tests::render;
using tests::uid;
using Fixture = tests::SessionsFixture;

TEST_CASE("an end that is on its way while the first commit fails is stored all the same") {
    Fixture agent;
    agent.lease(5);
    agent.transactions.fail_call(2);
    std::vector<core::Result<agent::OpenedSession>> answers;
    agent.open("x", answers);
    agent.run_until([&] { return agent.sessions.active() == 1; });
    bool end_answered = false;
    agent.sessions.end("x", uid, [&](const auto&) { end_answered = true; });
    agent.settle();
    REQUIRE(answers.size() == 1);
    CHECK_FALSE(answers[0].has_value());
    CHECK(end_answered);

    agent.pass(2'000);
    CHECK(agent.sessions.active() == 0);

    const auto stored = agent.journal->tables().session("x");
    REQUIRE(stored.has_value());
    REQUIRE(stored->has_value());
    CHECK((*stored)->ended_at.has_value());
    CHECK((*stored)->units_completed == core::Units{0});
}

TEST_CASE("a session whose end isn't stored yet is not shown as ended with less than it ran") {
    Fixture agent;
    agent.lease(50);
    std::vector<core::Result<agent::OpenedSession>> answers;
    agent.open("x", answers);
    agent.run_until([&] { return answers.size() == 1; });
    agent.clock.advance(3'000);
    agent.transactions.fail_call(agent.transactions.calls() + 1);
    bool refused = false;
    agent.sessions.end("x", uid, [&](const auto& answer) { refused = !answer.has_value(); });
    agent.settle();
    REQUIRE(refused);

    std::vector<agent::SessionView> shown;
    agent.sessions.show("x", [&](const auto& answer) { shown.push_back(*answer); });
    agent.pass(2'000);
    REQUIRE(shown.size() == 1);
    CHECK(shown[0].state == agent::SessionState::ended);
    CHECK(shown[0].metered == core::Amount{3'000});
}

TEST_CASE("time whose transaction couldn't even begin is metered with the next one, once") {
    Fixture agent;
    agent.lease(50);
    std::vector<core::Result<agent::OpenedSession>> answers;
    agent.open("x", answers);
    agent.run_until([&] { return answers.size() == 1; });
    agent.clock.advance(3'000);
    agent.transactions.fail_call(agent.transactions.calls() + 1);
    std::vector<bool> confirmed;
    const auto shown = [&](const auto& answer) { confirmed.push_back(answer.has_value()); };

    agent.sessions.heartbeat("x", uid, shown);
    agent.settle();
    CHECK(agent.metered() == core::Amount{0});
    CHECK(agent.sessions.running("render") == core::Amount{3'000});

    agent.clock.advance(2'000);
    agent.sessions.heartbeat("x", uid, shown);
    agent.settle();
    CHECK(confirmed == std::vector{false, true});
    CHECK(agent.metered() == core::Amount{5'000});
    CHECK(agent.sessions.running("render") == core::Amount{0});
}

TEST_CASE("what an ended session ran counts against the lease while the disk refuses it") {
    Fixture agent;
    agent.lease(10);
    agent.balances.find("render")->supply.reachable = false;
    std::vector<core::Result<agent::OpenedSession>> answers;
    agent.open("a", answers);
    agent.open("b", answers);
    agent.run_until([&] { return answers.size() == 2; });
    agent.clock.advance(3'000);
    agent.transactions.fail_call(agent.transactions.calls() + 2);
    std::vector<bool> stored;
    agent.sessions.end("a", uid, [&](const auto& answer) { stored.push_back(answer.has_value()); });
    agent.run_until([&] { return !stored.empty(); });
    CHECK(stored == std::vector{false});
    CHECK(agent.sessions.running("render") == core::Amount{6'000});
    CHECK(agent.sessions.standing("render").available == core::Amount{4'000});
    agent.pass(1'500);
    CHECK(agent.sessions.active() == 1);
    CHECK(agent.metered() == core::Amount{3'000});
}

TEST_CASE("a stop that the disk refused is stored once there is room, and holds after a restart") {
    Fixture agent;
    agent.lease(3);
    agent.balances.find("render")->supply.reachable = false;
    std::vector<core::Result<agent::OpenedSession>> answers;
    agent::SessionOrder order;
    order.id = "x";
    order.resource = "render";
    order.keeping = agent::SessionKeeping::connection;
    agent.sessions.open(order, [&](const auto& answer) { answers.push_back(answer); });
    agent.run_until([&] { return answers.size() == 1; });
    agent.pass(2'500);
    agent.transactions.fail_call(agent.transactions.calls() + 1);
    agent.pass(500);
    REQUIRE(agent.sessions.count("render") == 0);
    CHECK(agent.metered() < core::Amount{3'000});

    agent.pass(5'000);
    CHECK(agent.metered().value() == 3'000);
    const auto stored = agent.journal->tables().running_sessions();
    REQUIRE(stored);
    REQUIRE(stored->size() == 1);
    REQUIRE(stored->front().stop_at);
    CHECK(stored->front().mark == *stored->front().stop_at);
    CHECK(stored->front().metered.value() == 3'000);
}

TEST_CASE("no balance is told to who begins while what the account answers can't be stored") {
    Fixture agent;
    agent.lease(1);
    agent.report(1'000);
    agent.balances.find("render")->supply.reachable = false;
    agent.balances.note_storage("disk full");
    std::vector<core::Result<agent::OpenedSession>> answers;
    agent.open("x", answers);
    agent.run_until([&] { return answers.size() == 1; });
    REQUIRE(!answers[0]);
    CHECK(answers[0].error().code == core::ErrorCode::storage);

    agent.balances.note_storage({});
    agent.open("y", answers);
    agent.run_until([&] { return answers.size() == 2; });
    REQUIRE(!answers[1]);
    CHECK(answers[1].error().code == core::ErrorCode::exhausted);
}
