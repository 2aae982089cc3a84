// Modes of enforcement on running sessions: soft stops nobody, none records and nothing else, and a
// change of mode reaches back over no time that has run.
#include "agent/journal_job.hpp"
#include "tests/contract/sessions_fixture.hpp"

using namespace meterbox;
using core::Amount;
using core::BalanceState;
using core::Enforcement;
using core::Units;
using tests::uid;

namespace {

struct Agent : tests::SessionsFixture {
    using SessionsFixture::SessionsFixture;

    void begin(const std::string& id) {
        std::vector<core::Result<agent::OpenedSession>> answers;
        open(id, answers);
        run_until([&] { return !answers.empty(); });
        REQUIRE(answers[0].has_value());
    }
    agent::SessionView beat(const std::string& id) {
        std::optional<agent::SessionView> shown;
        sessions.heartbeat(id, uid, [&](const auto& answer) { shown = *answer; });
        run_until([&] { return shown.has_value(); });
        return *shown;
    }
    const core::ResourceLedger& ledger() { return *balances.find("render")->ledger; }
    void team_has(std::int64_t units) {
        core::Card card;
        card.state = BalanceState::ok;
        card.available_units = card.purchased_units = Units{units};
        balances.find("render")->supply.team = card;
    }
    void out_of_reach() { balances.find("render")->supply.reachable = false; }
    std::int64_t recorded() {
        return journal->connection().number("SELECT coalesce(sum(amount), 0) FROM usage").value();
    }
};

}  // namespace

TEST_CASE("a soft resource shows low at its end, refuses nobody and stops nobody") {
    Agent agent(Enforcement::soft);
    agent.lease(2);
    agent.out_of_reach();
    agent.team_has(150);
    agent.begin("x");
    CHECK(agent.beat("x").state == agent::SessionState::active);
    agent.pass(10'000);
    const agent::SessionView shown = agent.beat("x");
    CHECK(shown.state == agent::SessionState::low);
    CHECK_FALSE(shown.exhausts_in_ms);  // whose daemon is gone runs on, too
    agent.begin("y");
    agent.pass(3'500);
    CHECK(agent.beat("x").metered == Amount{13'500});
    agent.beat("y");
    CHECK(agent.metered() == Amount{17'000});
    CHECK(agent.ledger().overage_units() == Units{15});
}

TEST_CASE("under none usage is recorded and nothing else") {
    Agent agent(Enforcement::none);
    agent.begin("x");
    agent.pass(7'300);
    agent.beat("x");
    agent.report(4'200);
    CHECK(agent.metered() == Amount{0});
    CHECK(agent.ledger().overage_units() == Units{0});
    CHECK(agent.recorded() == 11'500);
    CHECK(agent.asked == 0);
    CHECK(agent.sessions.standing("render").state == BalanceState::ok);
    CHECK(agent.sessions.running("render") == Amount{0});
}

TEST_CASE("what ran under none is never charged by a change to hard, confirmed before it or after") {
    Agent agent(Enforcement::none);
    agent.lease(50);
    agent.begin("confirmed");
    agent.begin("unconfirmed");
    agent.pass(3'000);
    agent.beat("confirmed");
    agent.pass(1'000);
    agent.set_mode(Enforcement::hard);
    CHECK(agent.sessions.running("render") == Amount{0});
    agent.pass(2'500);
    CHECK(agent.sessions.running("render") == Amount{5'000});
    CHECK(agent.beat("confirmed").metered == Amount{6'500});
    CHECK(agent.beat("unconfirmed").metered == Amount{6'500});
    CHECK(agent.metered() == Amount{5'000});
    CHECK(agent.recorded() == 13'000);
    CHECK(agent.sessions.running("render") == Amount{0});
}

TEST_CASE("what ran under hard is charged after a change to none, what runs from then on isn't") {
    Agent agent;
    agent.lease(50);
    agent.begin("x");
    agent.pass(3'000);
    agent.set_mode(Enforcement::none);
    agent.pass(4'000);
    agent.beat("x");
    CHECK(agent.metered() == Amount{3'000});
    CHECK(agent.recorded() == 7'000);
    agent.set_mode(Enforcement::soft);
    agent.pass(500);
    agent.beat("x");
    CHECK(agent.metered() == Amount{3'500});
}

TEST_CASE("a change of mode while a slice is on its way charges what ran under the mode of its time") {
    Agent agent;
    agent.lease(50);
    agent.begin("x");
    agent.clock.advance(2'000);
    bool confirmed = false;
    agent.sessions.heartbeat("x", uid, [&](const auto&) { confirmed = true; });
    agent.store.submit(agent::journal_job(
        [&] {
            agent.journal->describe({tests::render(Enforcement::none)}, agent.time.mode_moment());
            return 0;
        },
        [](const core::Result<void>&, std::optional<int>) {}));
    agent.run_until([&] { return confirmed; });
    agent.settle();
    CHECK(agent.metered() == Amount{2'000});
    CHECK(agent.sessions.running("render") == Amount{0});
}

TEST_CASE("a session in overage stops when soft becomes hard, and is metered until then") {
    Agent agent(Enforcement::soft);
    agent.lease(2);
    agent.out_of_reach();
    agent.begin("x");
    agent.pass(4'000);
    agent.beat("x");
    agent.clock.advance(700);  // nobody has looked meanwhile
    agent.set_mode(Enforcement::hard);
    CHECK(agent.sessions.count("render") == 0);
    agent.clock.advance(5'000);
    const agent::SessionView shown = agent.beat("x");
    CHECK(shown.state == agent::SessionState::stop);
    CHECK(shown.metered == Amount{4'700});
    CHECK(agent.metered() == Amount{4'700});
}

TEST_CASE("who waits for the account's answer at 0 runs on when hard becomes soft") {
    Agent agent;
    agent.lease(1);
    agent.begin("x");
    agent.pass(1'200);
    agent.set_mode(Enforcement::soft);
    agent.pass(5'000);
    CHECK(agent.beat("x").state == agent::SessionState::low);
    agent.set_mode(Enforcement::hard);
    agent.pass(400);
    CHECK(agent.sessions.count("render") == 1);
    agent.pass(200);
    CHECK(agent.beat("x").state == agent::SessionState::stop);
    CHECK(agent.metered() == Amount{6'700});
}

TEST_CASE("stop is final, whatever the mode becomes") {
    Agent agent;
    agent.lease(1);
    agent.out_of_reach();
    agent.begin("x");
    agent.pass(3'000);
    agent.set_mode(Enforcement::none);
    agent.pass(3'000);
    const agent::SessionView shown = agent.beat("x");
    CHECK(shown.state == agent::SessionState::stop);
    CHECK(shown.metered == Amount{1'000});
    CHECK(agent.metered() == Amount{1'000});
}

TEST_CASE("overage waits while nothing is charged, and takes the first units when it is again") {
    Agent agent;
    agent.report(3'000);
    CHECK(agent.ledger().overage_units() == Units{3});
    agent.set_mode(Enforcement::none);
    agent.lease(2);
    agent.report(9'000, "2");
    CHECK(agent.ledger().overage_units() <= Units{3});
    agent.set_mode(Enforcement::hard);
    agent.settle();
    CHECK(agent.ledger().overage_units() == Units{1});
    CHECK(agent.metered() == Amount{3'000});
}

TEST_CASE(
    "overage takes the first units of the next cycle as it begins, out of reach and though nothing runs") {
    Agent agent;
    agent.out_of_reach();
    agent.report(4'000);
    agent.lease(6, tests::noon + 5'000);
    CHECK(agent.sessions.standing("render").available == Amount{0});
    agent.pass(5'000);
    CHECK(agent.ledger().overage_units() == Units{0});
    CHECK(agent.sessions.standing("render").available == Amount{2'000});
}

TEST_CASE("what overage takes of the next cycle is nobody's to begin on, however early he asks") {
    Agent agent;
    agent.out_of_reach();
    agent.team_has(0);
    agent.report(8'000);
    agent.lease(6, tests::noon + 5'000);
    agent.clock.advance(5'000);  // and nobody has looked yet
    const core::Standing standing = agent.sessions.standing("render");
    CHECK(standing.available == Amount{0});
    CHECK(standing.available_units == Units{0});
    std::vector<core::Result<agent::OpenedSession>> answers;
    agent.open("x", answers);
    agent.run_until([&] { return !answers.empty(); });
    CHECK_FALSE(answers[0].has_value());
}

TEST_CASE("a session is told no later moment than the end of the grant that it runs on") {
    Agent agent;
    agent.lease(20, tests::noon, tests::noon + 7'000);
    agent.out_of_reach();
    agent.begin("x");
    CHECK(agent.beat("x").exhausts_in_ms == 7'000);
    agent.pass(7'000);
    const agent::SessionView shown = agent.beat("x");
    CHECK(shown.state == agent::SessionState::stop);
    CHECK(shown.metered == Amount{7'000});
}

TEST_CASE("no unit begins on a stale lease for want of anybody looking, and a restart says the same") {
    Agent agent;
    agent.out_of_reach();
    agent.team_has(20);
    agent.lease(20);
    agent.report(2'500);
    agent.balances.find("render")->supply.spend_until = tests::noon + 1'000;
    agent.sessions.reconsider_all();
    SECTION("a timer is armed for it, though nothing runs") {
        agent.pass(1'000);
    }
    SECTION("a clock that jumped is looked at before usage is taken") {
        agent.clock.advance(1'000);
        agent.sessions.note_stale_leases();
        agent.settle();
    }
    CHECK(agent.sessions.standing("render").available == Amount{500});  // of the unit in progress

    const auto after_restart = [&agent] {
        agent::Balances balances(agent.journal->ledgers());
        balances.find("render")->supply = agent.balances.find("render")->supply;
        balances.find("render")->supply.begun_when_stale.reset();
        agent::Sessions again(
            agent.timers, agent.time, *agent.journal, agent.store, balances, {30'000, 5'000, 100},
            [](core::SyncReason) {}, [](const std::vector<std::string>&) {});
        again.restore({});
        again.reconsider_all();
        agent.settle();
        return again.standing("render");
    };
    CHECK(after_restart().available == Amount{500});
    agent.report(3'000, "2");
    const core::Standing stale = agent.sessions.standing("render");
    CHECK(stale.available == Amount{0});
    CHECK(stale.reason == "stale");
    CHECK(after_restart().available == Amount{0});
    CHECK(after_restart().reason == "stale");
}

TEST_CASE("who comes first after a restart begins no unit on a stale lease") {
    Agent agent;
    agent.out_of_reach();
    agent.team_has(20);
    agent.lease(20);
    agent.report(2'500);
    core::Supply& supply = agent.balances.find("render")->supply;
    supply.spend_until = tests::noon + 1'000;
    agent.sessions.reconsider_all();
    agent.pass(1'000);
    agent.report(3'000, "2");  // the unit in progress, and two and a half more
    agent::Balances balances(agent.journal->ledgers());
    balances.find("render")->supply = supply;
    balances.find("render")->supply.begun_when_stale.reset();
    agent::Sessions again(
        agent.timers, agent.time, *agent.journal, agent.store, balances, {30'000, 5'000, 100},
        [](core::SyncReason) {}, [](const std::vector<std::string>&) {});
    again.restore({});
    agent::SessionOrder order;
    order.id = "x";
    order.resource = "render";
    order.uid = uid;
    std::optional<core::Result<agent::OpenedSession>> answer;
    again.open(order, [&](const auto& opened) { answer = opened; });
    agent.run_until([&] { return answer.has_value(); });
    REQUIRE_FALSE(answer->has_value());
    CHECK(answer->error().detail.find("spent until") != std::string::npos);
}

TEST_CASE("a session over a restart is charged for nothing that ran under none") {
    Agent agent(Enforcement::none);
    agent.lease(50);
    agent.begin("x");
    agent.pass(2'000);
    agent.set_mode(Enforcement::hard);
    agent.pass(1'000);
    agent.settle();
    agent::Balances balances(agent.journal->ledgers());
    agent::Sessions again(
        agent.timers, agent.time, *agent.journal, agent.store, balances, {30'000, 5'000, 100},
        [](core::SyncReason) {}, [](const std::vector<std::string>&) {});
    again.restore(agent.journal->tables().running_sessions().value());
    CHECK(again.running("render") == Amount{1'000});
    std::optional<agent::SessionView> shown;
    again.heartbeat("x", uid, [&](const auto& answer) { shown = *answer; });
    agent.run_until([&] { return shown.has_value(); });
    CHECK(shown->metered == Amount{3'000});
    CHECK(balances.find("render")->ledger->metered() == Amount{1'000});
}
