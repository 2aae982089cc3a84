// Sessions on a real journal whose commits fail when told to: no session and no millisecond is lost or
// counted twice, whatever the order in which things come.
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

TEST_CASE("a session that was told to stop before a restart is metered to its stop and no further") {
    Fixture agent;
    agent::SessionRecord record;
    record.id = "x";
    record.resource = "render";
    record.keeping = agent::SessionKeeping::heartbeat;
    record.uid = uid;
    record.boot_id = agent.clock.boot_id();
    record.mark = agent.clock.monotonic_now();
    record.metered = core::Amount{700};
    record.stop_at = record.mark + 300;
    agent.clock.advance(4'000);
    agent.sessions.restore({record});
    CHECK(agent.sessions.running("render") == core::Amount{300});

    std::vector<agent::SessionView> shown;
    const auto note = [&](const core::Result<agent::SessionView>& answer) { shown.push_back(*answer); };
    agent.sessions.heartbeat("x", uid, note);
    agent.run_until([&] { return shown.size() == 1; });
    CHECK(shown[0].state == agent::SessionState::stop);
    CHECK(shown[0].metered == core::Amount{1'000});
    agent.sessions.end("x", uid, note);
    agent.run_until([&] { return shown.size() == 2; });
    CHECK(shown[1].metered == core::Amount{1'000});
    CHECK(agent.metered() == core::Amount{300});
}

TEST_CASE("a product that comes back late has metered what it ran, and not the time until it came") {
    Fixture agent;
    agent.lease(50);
    agent::SessionRecord record;
    record.id = "x";
    record.resource = "render";
    record.uid = uid;
    record.boot_id = agent.clock.boot_id();
    record.metered = core::Amount{700};
    record.mark = agent.clock.monotonic_now() + 700;
    agent.clock.advance(20'000);
    agent.sessions.restore({record});
    std::vector<agent::SessionView> ended;
    const auto note = [&](const core::Result<agent::SessionView>& shown) { ended.push_back(*shown); };
    const auto [ran, metered] = GENERATE(table<std::int64_t, std::int64_t>(
        {{9'000, 9'000}, {100, 700}, {20'001, 20'000}, {core::limits::amount_max, 20'000}}));
    agent.sessions.end("x", uid, note, core::Amount{ran});
    agent.run_until([&] { return ended.size() == 1; });
    CHECK(ended[0].metered == core::Amount{metered});
    CHECK(agent.metered() == core::Amount{metered - 700});
}

TEST_CASE("who gives no sign of life ends in time, however much the others talk") {
    Fixture agent;
    agent.lease(500);
    std::vector<core::Result<agent::OpenedSession>> answers;
    agent.open("silent", answers);
    agent.open("talking", answers);
    agent.run_until([&] { return answers.size() == 2; });
    for (int i = 0; i < 36; ++i) {  // each heartbeat arms the timer anew
        agent.pass(900);
        agent.sessions.heartbeat("talking", uid, [](const auto&) {});
        agent.settle();
    }
    REQUIRE(agent.sessions.list().size() == 1);
    CHECK(agent.sessions.list()[0].id == "talking");
}

TEST_CASE("a session without heartbeat ends at its last one, heartbeat_ms later and not at the next look") {
    Fixture agent;
    agent.lease(500);
    std::vector<core::Result<agent::OpenedSession>> answers;
    agent.open("x", answers);
    agent.run_until([&] { return answers.size() == 1; });
    agent.pass(18'400);
    agent.sessions.heartbeat("x", uid, [](const auto&) {});
    agent.pass(29'999);
    CHECK(agent.sessions.list().size() == 1);
    agent.pass(1);
    CHECK(agent.sessions.list().empty());
    CHECK(agent.metered() == core::Amount{18'400});
}

TEST_CASE("who comes back after the deadline finds the session ended, also if nobody looked meanwhile") {
    Fixture agent;
    agent.lease(500);
    std::vector<core::Result<agent::OpenedSession>> answers;
    agent.open("x", answers);
    agent.run_until([&] { return answers.size() == 1; });
    agent.clock.advance(1'500);
    agent.sessions.heartbeat("x", uid, [](const auto&) {});
    agent.settle();
    agent.clock.advance(30'000);  // no timer has fired
    std::vector<agent::SessionView> shown;
    const auto note = [&](const core::Result<agent::SessionView>& answer) { shown.push_back(*answer); };
    SECTION("by a heartbeat") {
        agent.sessions.heartbeat("x", uid, note);
    }
    SECTION("by its end") {
        agent.sessions.end("x", uid, note);
    }
    SECTION("by its id") {
        agent.open("x", answers);
        REQUIRE(answers.size() == 2);
        CHECK(answers[1].error().code == core::ErrorCode::conflict);
        agent.settle();
        agent.sessions.show("x", note);
    }
    agent.run_until([&] { return shown.size() == 1; });
    CHECK(shown[0].state == agent::SessionState::ended);
    CHECK(shown[0].metered == core::Amount{1'500});
    CHECK(agent.metered() == core::Amount{1'500});
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

TEST_CASE("an agent that stood still meters nothing past the stop that it couldn't tell") {
    Fixture agent;
    agent.lease(2);
    std::vector<core::Result<agent::OpenedSession>> answers;
    agent.open("x", answers);
    agent.run_until([&] { return answers.size() == 1; });
    agent.clock.advance(6'000);  // no timer has fired
    std::vector<agent::SessionView> ended;
    const auto note = [&](const core::Result<agent::SessionView>& shown) { ended.push_back(*shown); };
    SECTION("out of reach it ends where the lease was used up") {
        agent.balances.find("render")->supply.reachable = false;
        agent.sessions.end("x", uid, note);
        agent.run_until([&] { return ended.size() == 1; });
        CHECK(ended[0].metered == core::Amount{2'000});
    }
    SECTION("in reach it ran on for the answer, for half a second and no longer") {
        agent.sessions.end("x", uid, note);
        agent.run_until([&] { return ended.size() == 1; });
        CHECK(ended[0].metered == core::Amount{2'500});
    }
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

TEST_CASE("sessions that ran when the machine lost its power end at their last checkpoint") {
    Fixture agent;
    std::vector<agent::SessionRecord> records(2);
    for (agent::SessionRecord& record : records) {
        record.resource = "render";
        record.uid = uid;
        record.boot_id = agent.clock.boot_id();
        record.mark = agent.clock.monotonic_now();
        record.metered = core::Amount{700};
        record.started_at = noon + -core::hour_ms;
    }
    records[0].id = "ran";
    records[1].id = "stopped";
    records[1].stop_at = records[1].mark + 300;
    agent.clock.reboot();
    agent.sessions.restore(records);
    agent.run_until([&] { return agent.sessions.active() == 0; });

    for (const char* id : {"ran", "stopped"}) {
        const auto stored = agent.journal->tables().session(id);
        REQUIRE(stored.has_value());
        REQUIRE(stored->has_value());
        CHECK((*stored)->ended_at == noon + -core::hour_ms + 700);  // not when the agent came back
        CHECK((*stored)->metered == core::Amount{700});
    }
    CHECK(agent.metered() == core::Amount{0});
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
