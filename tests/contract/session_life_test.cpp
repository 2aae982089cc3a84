// When a session ends that nobody has ended: its product is silent, or comes back late, or the agent or its
// machine stopped meanwhile. What it ran is metered, and nothing else.
#include "tests/contract/sessions_fixture.hpp"

using namespace meterbox;
using tests::noon;
using tests::render;
using tests::uid;
using Fixture = tests::SessionsFixture;

namespace {

// By a connection, of this boot; 700 ms of it are metered.
agent::SessionRecord running(const Fixture& agent) {
    agent::SessionRecord record;
    record.id = "x";
    record.resource = "render";
    record.uid = uid;
    record.boot_id = agent.clock.boot_id();
    record.metered = core::Amount{700};
    record.mark = agent.clock.monotonic_now();
    return record;
}

}  // namespace

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

TEST_CASE(
    "what a session ran while its agent was away is stored before its product is told that it goes on") {
    Fixture agent;
    agent.lease(50);
    agent::SessionRecord record = running(agent);
    const bool stopped = GENERATE(false, true);
    if (stopped) record.stop_at = record.mark + 5'500;  // it was used up meanwhile
    agent.clock.advance(15'000);
    agent.sessions.restore({record});
    std::vector<core::Result<agent::OpenedSession>> answers;
    const std::int64_t ran = stopped ? 5'500 : 15'000;
    SECTION("stored at once") {
        agent.open("x", answers);
        agent.run_until([&] { return answers.size() == 1; });
    }
    SECTION("stored with a checkpoint, where the disk refused it at first") {
        agent.transactions.fail_call(agent.transactions.calls() + 2);
        agent.open("x", answers);
        agent.run_until([&] { return answers.size() == 1; });
        CHECK(agent.metered() == core::Amount{0});
        agent.pass(5'000);
        agent.run_until([&] { return agent.metered() >= core::Amount{ran}; });
    }
    REQUIRE(answers[0]);
    CHECK(answers[0]->view.metered == core::Amount{700 + ran});
    const std::int64_t most = stopped ? ran : agent.clock.monotonic_now() - record.mark;
    CHECK(agent.metered() >= core::Amount{ran});
    CHECK(agent.metered() <= core::Amount{most});
    CHECK(agent.journal->tables().session("x").value()->metered == core::Amount{700} + agent.metered());
}

TEST_CASE("a product that comes back late has metered what it ran, and not the time until it came") {
    Fixture agent;
    agent.lease(50);
    agent::SessionRecord record = running(agent);
    record.mark = record.mark + 700;
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
