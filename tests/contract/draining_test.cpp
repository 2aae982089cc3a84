// Sessions of an agent that retires: nobody begins, who runs is told to stop, and every millisecond up to
// then is counted before nobody is left.
#include "tests/contract/sessions_fixture.hpp"

using namespace meterbox;
using core::Amount;
using core::Enforcement;
using tests::uid;

namespace {

struct Agent : tests::SessionsFixture {
    using SessionsFixture::SessionsFixture;

    core::Result<agent::OpenedSession> begin(const std::string& id) {
        std::vector<core::Result<agent::OpenedSession>> answers;
        open(id, answers);
        run_until([&] { return !answers.empty(); });
        return answers[0];
    }
    agent::SessionView beat(const std::string& id) {
        std::optional<agent::SessionView> shown;
        sessions.heartbeat(id, uid, [&](const auto& answer) { shown = *answer; });
        run_until([&] { return shown.has_value(); });
        return *shown;
    }
};

}  // namespace

TEST_CASE(
    "who runs while the agent retires is counted up to that moment, and ends once it has confirmed it") {
    for (const Enforcement mode : {Enforcement::hard, Enforcement::soft, Enforcement::none}) {
        Agent agent(mode);
        agent.lease(100);
        REQUIRE(agent.begin("x"));
        agent.pass(7'000);
        agent.sessions.drain();
        agent.settle();
        CHECK_FALSE(agent.sessions.drained());

        agent.pass(2'000);
        const agent::SessionView told = agent.beat("x");
        CHECK(told.state == agent::SessionState::stop);
        CHECK(told.metered == Amount{7'000});
        agent.sessions.drained();
        agent.settle();
        CHECK(agent.sessions.drained());
        CHECK(agent.metered() == Amount{mode == Enforcement::none ? 0 : 7'000});
    }
}

TEST_CASE("who gives no sign of life while the agent retires holds it up no longer than a heartbeat") {
    Agent agent;
    agent.lease(100);
    REQUIRE(agent.begin("x"));
    agent.pass(7'000);
    agent.beat("x");
    agent.sessions.drain();
    agent.pass(29'000);
    CHECK_FALSE(agent.sessions.drained());
    agent.pass(2'000);
    CHECK(agent.sessions.drained());
    CHECK(agent.metered() == Amount{7'000});
}

TEST_CASE("who waits for units when the agent retires is refused, and nobody new is admitted") {
    Agent agent;
    std::vector<core::Result<agent::OpenedSession>> answers;
    agent.open("x", answers);
    agent.run_until([&] { return agent.asked == 1; });
    agent.sessions.drain();
    agent.open("y", answers);
    agent.open("", answers);
    agent.run_until([&] { return answers.size() == 3; });
    for (const auto& answer : answers) CHECK(answer.error().code == core::ErrorCode::not_enrolled);
    CHECK(agent.sessions.drained());
}
