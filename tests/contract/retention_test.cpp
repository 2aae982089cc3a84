// Retention on a real journal and its store thread: what is past its age goes, what is younger or not yet
// acknowledged stays, and nothing is written where there is nothing to forget.
#include "agent/retention.hpp"

#include <boost/asio/io_context.hpp>
#include <string>
#include <utility>
#include <vector>

#include "agent/chain_check.hpp"
#include "core/limits.hpp"
#include "platform/system/loop_timers.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/journal_builders.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace meterbox;

namespace {

constexpr core::UtcTime noon{1'800'000'000'000};
constexpr agent::RetentionSettings settings{62 * core::day_ms, 100 * core::day_ms};

struct Fixture {
    tests::TemporaryFolder folder;
    tests::FakeClock clock{noon};
    agent::Journal journal{folder / "journal.db"};
    agent::AgentTime time{clock, {}};
    boost::asio::io_context loop;
    platform::store::StoreThread store{loop, journal};
    platform::system::LoopTimers timers{loop};
    agent::Forgotten forgotten;
    agent::Retention retention;
    unsigned char identities = 0;

    explicit Fixture(agent::RetentionSettings kept = settings)
        : retention(timers, time, journal, store, kept,
                    [this](const agent::Forgotten& result) { forgotten = result; }) {
        time.trusted().anchor(noon, time.read());  // by no other clock is anything forgotten
        core::Resource render;
        render.key = "render";
        render.name = "Render";
        render.unit_size = core::Amount{1'000};
        transaction([&] { journal.describe({render}); });
    }

    template <class Work>
    void transaction(Work work) {
        REQUIRE(journal.begin());
        work();
        REQUIRE(journal.commit());
    }
    // An event that came `days` ago, of a usage that ended then.
    void report(std::int64_t days, std::int64_t amount = 100) { take(++identities, days, amount); }
    agent::ReportOutcome take(unsigned char identity, std::int64_t days, std::int64_t amount = 100) {
        const core::UtcTime then = noon + -days * core::day_ms;
        agent::JournalEvent event;
        event.event.source = "/test";
        event.event.id = std::to_string(identity);
        event.event.type = "render";
        event.event.amount = core::Amount{amount};
        event.identity.bytes[0] = static_cast<std::byte>(identity);
        event.time = then;
        const agent::JournalNow now{core::Now::at(then), then, true};
        agent::ReportOutcome outcome;
        transaction([&] { outcome = *journal.report(std::vector{event}, now); });
        return outcome;
    }
    void end_session(const std::string& id, std::optional<std::int64_t> days_ago) {
        agent::SessionRecord session;
        session.id = id;
        session.resource = "render";
        if (days_ago) session.ended_at = noon + -*days_ago * core::day_ms;
        transaction([&] { journal.save_session(session); });
    }
    // The account has acknowledged all that there is.
    void settle() {
        const agent::CounterReading reading = journal.read_counters(1'000);
        transaction([&] { journal.settle(reading.usage_keys, reading.change); });
    }
    // Events of more than a kilobyte each.
    void report_large(int first, int count) {
        std::vector<agent::JournalEvent> events;
        for (int i = first; i < first + count; ++i) {
            events.push_back(tests::event(i, 100, noon));
            events.back().event.source = std::string(1'200, 's');
        }
        transaction([&] { REQUIRE(journal.report(events, tests::journal_now(noon))); });
    }
    std::int64_t bytes() { return number("PRAGMA page_count") * number("PRAGMA page_size"); }
    void sweep() {
        journal.take_publications();
        retention.sweep();
        loop.run();
        loop.restart();
    }
    std::int64_t number(const std::string& query) {
        const auto result = journal.connection().number(query);
        REQUIRE(result);
        return *result;
    }
};

}  // namespace

TEST_CASE("events, identities, ended sessions and usage go past their age, each its own") {
    Fixture agent;
    for (const std::int64_t days : {101, 99, 64, 63, 61, 0}) agent.report(days);
    agent.end_session("long over", 63);
    agent.end_session("over", 61);
    agent.end_session("runs", std::nullopt);
    agent.settle();

    agent.sweep();

    CHECK(agent.forgotten.events == 4);
    CHECK(agent.forgotten.oldest_event == noon + -61 * core::day_ms);
    CHECK(agent.number("SELECT count(*) FROM event") == 2);
    CHECK(agent.forgotten.identities == 3);
    CHECK(agent.forgotten.sessions == 1);
    CHECK(agent.number("SELECT count(*) FROM session WHERE id IN ('over', 'runs')") == 2);
    CHECK(agent.forgotten.usage_rows == 1);
    CHECK(agent.number("SELECT count(*) FROM usage") == 5);
    CHECK(agent.journal.ledgers().at(0)->metered() == core::Amount{600});
    for (const int old : {1, 2, 3}) CHECK(agent.take(static_cast<unsigned char>(old), 0).accepted == 1);
    for (const int young : {4, 5, 6}) CHECK(agent.take(static_cast<unsigned char>(young), 0).duplicates == 1);
}

TEST_CASE("an event counts once for as long as events are kept, where that is set to more than 62 days") {
    Fixture agent({300 * core::day_ms, 300 * core::day_ms});
    agent.report(301);
    agent.report(299);

    agent.sweep();

    CHECK(agent.take(1, 0).accepted == 1);
    CHECK(agent.take(2, 0).duplicates == 1);
}

TEST_CASE("usage that the account has not acknowledged is never forgotten") {
    Fixture agent;
    agent.report(300);
    agent.report(200);

    agent.sweep();

    CHECK(agent.forgotten.usage_rows == 0);
    CHECK(agent.journal.read_counters(10).usage.size() == 2);

    agent.settle();
    agent.sweep();
    CHECK(agent.forgotten.usage_rows == 2);
    CHECK(agent.number("SELECT count(*) FROM usage") == 0);
}

TEST_CASE("units by hour go with the usage of their hour, once the account has heard of them") {
    Fixture agent;
    core::LeaseTranche tranche;
    tranche.tranche = "t1";
    tranche.granted = core::Units{5};
    tranche.valid_from = noon + -400 * core::day_ms;
    core::Lease lease;
    lease.resources.resize(1);
    lease.resources[0].key = "render";
    lease.resources[0].unit_size = core::Amount{1'000};
    lease.resources[0].tranches = {tranche};
    agent.transaction([&] { agent.journal.take_lease(lease, {core::Now::at(noon), noon, true}); });
    agent.report(300, 2'000);
    agent.sweep();
    CHECK(agent.number("SELECT coalesce(sum(units), 0) FROM unit_hour") == 2);

    agent.settle();
    agent.sweep();
    CHECK(agent.number("SELECT count(*) FROM unit_hour") == 0);
    CHECK(agent.journal.ledgers().at(0)->used() == core::Units{2});
}

TEST_CASE("a sweep that has nothing to forget writes nothing") {
    Fixture agent;
    agent.report(1);
    agent.end_session("over", 1);
    agent.settle();

    agent.sweep();

    CHECK(agent.journal.take_publications().empty());  // there was no transaction
    CHECK(agent.forgotten.events == 0);
    CHECK_FALSE(agent.forgotten.oldest_event);
}

TEST_CASE("more than fits one slice is forgotten in several, and each is counted once") {
    Fixture agent;
    agent.transaction([&] {
        for (int i = 0; i < 5'000; ++i)
            REQUIRE(agent.journal.connection().execute(
                "INSERT INTO event(resource, source, id, subject, time_ms, amount, taken_at_ms) "
                "VALUES(1, '/test', 'x', '', 0, 1, 0)"));
    });

    agent.sweep();

    CHECK(agent.forgotten.events == 5'000);
    CHECK(agent.number("SELECT count(*) FROM event") == 0);
}

TEST_CASE("a wall clock that was set forward forgets nothing") {
    Fixture agent;
    agent.time.trusted().anchor(noon, agent.time.read());
    agent.report(1);
    agent.settle();
    agent.clock.set_wall(noon + 400 * core::day_ms);

    agent.sweep();

    CHECK(agent.forgotten.events == 0);
    CHECK(agent.forgotten.identities == 0);
    CHECK(agent.forgotten.usage_rows == 0);
}

namespace {
constexpr std::int64_t small_budget = core::limits::write_ahead_log_bytes_max + 1'024 * 1'024;
}

TEST_CASE(
    "beyond its budget the journal forgets the oldest events that the account has heard of, and these "
    "alone") {
    Fixture agent({62 * core::day_ms, 100 * core::day_ms, small_budget});
    for (int batch = 0; batch < 10; ++batch) agent.report_large(100 * batch, 100);
    agent.settle();
    agent.report_large(1'000, 30);
    REQUIRE(agent.bytes() > 1'024 * 1'024);

    agent.sweep();

    CHECK(agent.bytes() <= 1'024 * 1'024);
    CHECK(agent.forgotten.events > 200);
    CHECK(agent.forgotten.room_bytes >= 0);
    const std::int64_t left = agent.number("SELECT count(*) FROM event");
    CHECK(left == 1'030 - agent.forgotten.events);
    CHECK(left > 300);  // no more than it takes
    CHECK(agent.number("SELECT max(seq) - min(seq) + 1 FROM event") == left);
    CHECK(agent.number("SELECT max(seq) FROM event") == 1'030);
    CHECK(agent.journal.ledgers().at(0)->metered() == core::Amount{103'000});
    CHECK(agent.number("SELECT sum(amount) FROM usage") == 103'000);
    agent.transaction([&] {
        const auto again =
            agent.journal.report(std::vector{tests::event(0, 100, noon)}, tests::journal_now(noon));
        REQUIRE(again);
        CHECK(again->duplicates == 1);
    });
    agent::ChainCheck check(agent.journal.connection());
    while (check.go_on([] { return false; }).value()) {
    }
    CHECK_FALSE(check.finish(agent.journal.chain().head()).value().broken);
}

TEST_CASE("events that the account has not heard of stay, however large the journal is") {
    Fixture agent({62 * core::day_ms, 100 * core::day_ms, small_budget});
    for (int batch = 0; batch < 10; ++batch) agent.report_large(100 * batch, 100);

    agent.sweep();

    CHECK(agent.forgotten.events == 0);
    CHECK(agent.forgotten.room_bytes < 0);
    CHECK(agent.number("SELECT count(*) FROM event") == 1'000);
}

TEST_CASE("within its budget the journal forgets nothing before its time") {
    Fixture agent({62 * core::day_ms, 100 * core::day_ms, small_budget});
    agent.report_large(0, 100);
    agent.settle();

    agent.sweep();

    CHECK(agent.forgotten.events == 0);
    CHECK(agent.forgotten.room_bytes > 0);
}
