// Sessions on a real journal whose commits fail when told to: no session and no millisecond is lost or
// counted twice, whatever the order in which things come.
#include "agent/sessions.hpp"

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/fake_timers.hpp"
#include "tests/support/faulty_transactions.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace meterbox;

namespace {

constexpr core::UtcTime noon{1'800'000'000'000};
constexpr std::uint32_t uid = 1'000;

core::Resource render(core::Enforcement enforcement) {
    core::Resource resource;
    resource.key = "render";
    resource.name = "Render";
    resource.unit_size = core::Amount{1'000};
    resource.enforcement = enforcement;
    return resource;
}

std::unique_ptr<agent::Journal> journal_in(const tests::TemporaryFolder& folder,
                                           core::Enforcement enforcement) {
    auto journal = std::make_unique<agent::Journal>(folder / "journal.db");
    REQUIRE(journal->begin());
    journal->describe({render(enforcement)});
    REQUIRE(journal->commit());
    journal->take_publications();
    return journal;
}

struct Fixture {
    tests::TemporaryFolder folder;
    tests::FakeClock clock{noon};
    std::unique_ptr<agent::Journal> journal;
    tests::FaultyTransactions transactions;
    agent::AgentTime time{clock, {}};
    boost::asio::io_context loop;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{loop.get_executor()};
    tests::FakeTimers timers{clock};
    platform::store::StoreThread store{loop, transactions};
    agent::Balances balances;
    int asked = 0;
    std::vector<core::Units> completed;  // as each publication left it
    agent::Sessions sessions;

    explicit Fixture(core::Enforcement enforcement = core::Enforcement::hard)
        : journal(journal_in(folder, enforcement)),
          transactions(journal.get()),
          balances(journal->ledgers()),
          sessions(
              timers, time, *journal, store, balances, {30'000, 5'000, 100},
              [this](core::SyncReason) { ++asked; },
              [this](const std::vector<std::string>& resources) { published(resources); }) {
        balances.find("render")->supply.reachable = true;
    }
    ~Fixture() { store.stop(); }

    void published(const std::vector<std::string>& resources) {
        sessions.reconsider(resources);
        if (!resources.empty()) completed.push_back(balances.find("render")->ledger->completed());
    }
    void lease(std::int64_t units, core::UtcTime from = noon + -core::day_ms) {
        core::LeaseTranche tranche;
        tranche.tranche = "t1";
        tranche.granted = core::Units{units};
        tranche.valid_from = from;
        core::Lease lease;
        lease.resources.resize(1);
        lease.resources[0].key = "render";
        lease.resources[0].unit_size = core::Amount{1'000};
        lease.resources[0].tranches = {tranche};
        REQUIRE(journal->begin());
        journal->take_lease(lease, time.journal_now());
        REQUIRE(journal->commit());
        balances.find("render")->supply.last_lease = core::Amount{units * 1'000};
        sessions.reconsider(balances.publish(journal->take_publications()));
    }
    void open(const std::string& id, std::vector<core::Result<agent::OpenedSession>>& answers) {
        agent::SessionOrder order;
        order.id = id;
        order.resource = "render";
        order.uid = uid;
        sessions.open(order, [&answers](const auto& answer) { answers.push_back(answer); });
    }
    void report(std::int64_t amount) {
        agent::JournalEvent event;
        event.event.source = "/test";
        event.event.id = "1";
        event.event.type = "render";
        event.event.amount = core::Amount{amount};
        event.time = noon;
        REQUIRE(journal->begin());
        REQUIRE(journal->report(std::vector{event}, time.journal_now()));
        REQUIRE(journal->commit());
        sessions.reconsider(balances.publish(journal->take_publications()));
    }
    template <class Reached>
    void run_until(Reached reached) {
        while (!reached()) REQUIRE(loop.run_one_for(std::chrono::seconds(30)) == 1);
    }
    // Time passes, and each timer fires at its moment. Returns those moments, from the beginning on.
    std::vector<std::int64_t> pass(std::int64_t ms) {
        std::vector<std::int64_t> fired;
        std::int64_t passed = 0;
        for (;;) {
            while (timers.fire_next()) fired.push_back(passed);
            settle();
            const std::int64_t next = std::min(timers.next_in_ms().value_or(ms), ms - passed);
            if (passed == ms) return fired;
            clock.advance(next);
            passed += next;
        }
    }
    void settle() {
        run_until([this] { return store.waiting() == 0; });
    }
    core::Amount metered() { return balances.find("render")->ledger->metered(); }
};

}  // namespace

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
        CHECK((*stored)->ended_at.has_value());
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
