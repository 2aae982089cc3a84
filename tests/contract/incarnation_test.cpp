// A new incarnation in the journal: what counts in the former ones stays there, what doesn't comes along,
// once; the chain bears it out, and nothing of what products and admins see is lost.
#include "agent/chain_check.hpp"
#include "tests/support/journal_builders.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace meterbox;
using namespace meterbox::tests;

namespace {

struct Machine {
    Machine() : journal(std::make_unique<agent::Journal>(folder / "journal.db")) {
        transaction(*journal, [&] {
            journal->describe({render()});
            journal->take_lease(lease(10), journal_now());
        });
    }
    void reopen() {
        journal.reset();
        journal = std::make_unique<agent::Journal>(folder / "journal.db");
    }
    void report(std::int64_t amount) {
        transaction(*journal, [&] {
            const agent::JournalEvent made = event(++events, amount);
            REQUIRE(journal->report({&made, 1}, journal_now()));
        });
    }
    std::int64_t head() { return journal->chain().head().sequence; }
    const core::ResourceLedger& ledger() {
        view = journal->ledgers().front();
        return *view;
    }
    std::int64_t number(const std::string& sql) { return journal->connection().number(sql).value(); }
    void verify() {
        agent::ChainCheck check(journal->connection());
        while (check.go_on([] { return false; }).value()) {
        }
        const auto report = check.finish(journal->chain().head());
        REQUIRE(report);
        INFO((report->broken ? report->broken->what : ""));
        CHECK_FALSE(report->broken);
    }

    TemporaryFolder folder;
    std::unique_ptr<agent::Journal> journal;
    agent::LedgerView view;
    int events = 0;
};

std::int64_t told(const agent::CounterReading& reading) {
    std::int64_t sum = 0;
    for (const auto& row : reading.usage) sum += row.usage.value();
    return sum;
}

}  // namespace

TEST_CASE_METHOD(Machine, "what was metered after the last link that counts moves into the new incarnation") {
    report(2'500);
    const std::int64_t counted = head();
    report(1'500);
    transaction(*journal, [&] { journal->begin_incarnation({2, counted, counted}); });
    const auto holds = [&] {
        CHECK(journal->incarnation() == 2);
        CHECK(ledger().metered() == core::Amount{1'500});
        CHECK(ledger().used() == core::Units{0});
        CHECK(ledger().overage_units() == core::Units{1});
        CHECK(ledger().tranches().empty());
        CHECK(journal->former("render") == core::Amount{2'500});
        const agent::CounterReading reading = journal->read_counters(100);
        CHECK(told(reading) == 1'500);
        CHECK(reading.hours.empty());
        CHECK(journal->pending_usage_rows() == 1);
        verify();
    };
    holds();
    reopen();
    holds();
    CHECK(number("SELECT sum(amount) FROM usage") == 4'000);
    CHECK(number("SELECT sum(units) FROM unit_hour") == 2);  // the other two wait for slots

    transaction(*journal, [&] { journal->take_lease(lease(3, 2), journal_now()); });
    CHECK(ledger().used() == core::Units{1});
    const agent::CounterReading reading = journal->read_counters(100);
    REQUIRE(reading.hours.size() == 1);
    CHECK(reading.hours.front().units.units == core::Units{1});
    verify();
}

TEST_CASE_METHOD(Machine, "where nothing counts, all of it comes along") {
    report(2'500);
    reopen();
    report(700);
    transaction(*journal, [&] { journal->begin_incarnation({2, 0, 0}); });
    CHECK(ledger().metered() == core::Amount{3'200});
    CHECK(journal->former("render") == core::Amount{0});
    CHECK(told(journal->read_counters(100)) == 3'200);
    verify();
}

TEST_CASE_METHOD(Machine, "usage that counts, but not yet by the hour, is told again and not metered again") {
    report(2'500);
    const std::int64_t by_hour = head();
    report(1'000);
    const std::int64_t counted = head();
    report(300);
    transaction(*journal, [&] { journal->begin_incarnation({2, counted, by_hour}); });
    CHECK(ledger().metered() == core::Amount{300});
    CHECK(told(journal->read_counters(100)) == 1'300);
    verify();
}

TEST_CASE_METHOD(Machine,
                 "a report in the transaction of a new incarnation is neither lost nor there twice") {
    report(2'500);
    const std::int64_t counted = head();
    const agent::JournalEvent before = event(90, 400);
    const agent::JournalEvent after = event(91, 800);
    transaction(*journal, [&] {
        REQUIRE(journal->report({&before, 1}, journal_now()));
        journal->begin_incarnation({2, counted, counted});
        REQUIRE(journal->report({&after, 1}, journal_now()));
    });
    CHECK(ledger().metered() == core::Amount{1'200});
    CHECK(told(journal->read_counters(100)) == 1'200);
    CHECK(number("SELECT sum(amount) FROM usage") == 3'700);
    verify();
    reopen();
    CHECK(ledger().metered() == core::Amount{1'200});
}

TEST_CASE_METHOD(Machine, "an incarnation that nobody heard of moves on into the next as it is") {
    report(2'500);
    const std::int64_t counted = head();
    report(700);
    transaction(*journal, [&] { journal->begin_incarnation({2, counted, counted}); });
    report(100);
    transaction(*journal, [&] { journal->begin_incarnation({3, counted, counted}); });
    CHECK(ledger().metered() == core::Amount{800});
    CHECK(told(journal->read_counters(100)) == 800);
    CHECK(journal->former("render") == core::Amount{2'500});
    verify();
}

TEST_CASE_METHOD(Machine, "a new incarnation that is not committed leaves no trace") {
    report(2'500);
    REQUIRE(journal->begin());
    journal->begin_incarnation({2, 0, 0});
    journal->rollback();
    CHECK(journal->incarnation() == 1);
    CHECK(ledger().used() == core::Units{2});
    CHECK(journal->former("render") == core::Amount{0});
    CHECK(journal->pending_usage_rows() == 1);
    report(500);
    CHECK(ledger().used() == core::Units{3});
    verify();
}

TEST_CASE_METHOD(Machine,
                 "a journal that is suspect spends nothing, restarts included, until that is dispelled") {
    transaction(*journal, [&] {
        journal->suspect({agent::Suspicion::Cause::fenced, "a copy may be at work"});
    });
    report(1'500);
    CHECK(ledger().used() == core::Units{0});
    reopen();
    REQUIRE(journal->suspicion());
    report(500);
    CHECK(ledger().used() == core::Units{0});
    transaction(*journal, [&] { journal->dispel_suspicion(); });
    transaction(*journal, [&] { journal->settle_overage(journal_now()); });
    CHECK(ledger().used() == core::Units{2});
}

TEST_CASE_METHOD(Machine, "each mark of a start is a link that no copy has") {
    report(100);
    transaction(*journal, [&] { journal->mark_start(); });
    transaction(*journal, [&] { journal->mark_start(); });
    const auto starts = journal->chain().starts_after(0, 10).value();
    REQUIRE(starts.size() == 3);
    CHECK(starts[0].hash != starts[1].hash);
    verify();
}

TEST_CASE_METHOD(Machine, "usage that an account has forgotten is told again, and only that") {
    report(2'500);
    const std::int64_t kept = head();
    transaction(*journal, [&] { journal->settle(journal->read_counters(100).usage_keys, head()); });
    report(1'500);
    transaction(*journal, [&] { journal->settle(journal->read_counters(100).usage_keys, head()); });
    REQUIRE(journal->pending_usage_rows() == 0);
    const std::int64_t settled = journal->settled();
    transaction(*journal, [&] { journal->tell_again_after(settled); });
    CHECK(journal->pending_usage_rows() == 0);
    transaction(*journal, [&] { journal->tell_again_after(kept); });
    const agent::CounterReading reading = journal->read_counters(100);
    CHECK(told(reading) == 4'000);  // the row's total
    CHECK(reading.hours.size() == 1);
    reopen();
    CHECK(journal->pending_usage_rows() == 1);
    CHECK(journal->settled() == kept);
    verify();
}

TEST_CASE_METHOD(Machine,
                 "usage that is to be told again is, when the first attempt to note that was undone") {
    report(2'500);
    const std::int64_t kept = head();
    report(1'500);
    transaction(*journal, [&] { journal->settle(journal->read_counters(100).usage_keys, head()); });
    REQUIRE(journal->begin());
    journal->tell_again_after(kept);
    journal->rollback();
    CHECK(journal->pending_usage_rows() == 0);
    transaction(*journal, [&] { journal->tell_again_after(kept); });
    CHECK(journal->pending_usage_rows() == 1);
    CHECK(told(journal->read_counters(100)) == 4'000);
    verify();
}

TEST_CASE_METHOD(Machine, "a start that was marked in the midst of what was undone says what is committed") {
    report(100);
    REQUIRE(journal->begin());
    const agent::JournalEvent undone = event(99, 700);
    REQUIRE(journal->report({&undone, 1}, journal_now()));
    journal->mark_start();
    journal->rollback();
    transaction(*journal, [] {});
    CHECK(journal->chain().starts_after(0, 10).value().size() == 2);
    verify();
}

TEST_CASE_METHOD(Machine, "what an account has forgotten of two incarnations moves into a third, once") {
    report(2'500);
    const std::int64_t known = head();
    report(1'200);
    const std::int64_t counted = head();  // by the account that is lost
    report(700);
    transaction(*journal, [&] { journal->begin_incarnation({2, counted, known}); });
    report(300);
    CHECK(ledger().metered() == core::Amount{1'000});
    reopen();
    report(100);
    transaction(*journal, [&] { journal->begin_incarnation({4, known, known}); });
    CHECK(journal->incarnation() == 4);
    CHECK(ledger().metered() == core::Amount{2'300});
    CHECK(journal->former("render") == core::Amount{2'500});
    CHECK(told(journal->read_counters(100)) == 2'300);
    CHECK(number("SELECT sum(amount) FROM usage") == 4'800);
    verify();
}

TEST_CASE_METHOD(
    Machine, "what an account had forgotten and remembers again, from a newer backup, is not brought twice") {
    report(500);
    const std::int64_t older = head();
    report(2'600);
    const std::int64_t newer = head();
    report(300);
    const bool with_another = GENERATE(false, true);
    transaction(*journal, [&] {
        journal->begin_incarnation({2, older, older});
        const agent::JournalEvent made = event(++events, 40);
        REQUIRE(journal->report({&made, 1}, journal_now()));
    });
    CHECK(ledger().metered() == core::Amount{2'940});
    if (with_another) {
        report(5);
        transaction(*journal, [&] { journal->begin_incarnation({3, older, older}); });
        CHECK(ledger().metered() == core::Amount{2'945});
    }
    reopen();
    report(100);
    transaction(*journal, [&] { journal->begin_incarnation({4, newer, newer}); });
    const std::int64_t came = with_another ? 445 : 440;
    CHECK(ledger().metered() == core::Amount{came});
    CHECK(told(journal->read_counters(100)) == came);
    verify();
    report(1'000);
    transaction(*journal, [&] { journal->begin_incarnation({5, newer, older}); });
    CHECK(ledger().metered() == core::Amount{came + 1'000});
    CHECK(told(journal->read_counters(100)) == came + 3'600);  // 2'600 of it not metered again
    verify();
}

TEST_CASE_METHOD(Machine,
                 "units of a former incarnation are not held against the tranche that is leased anew") {
    report(3'500);
    transaction(*journal, [&] { journal->begin_incarnation({2, head(), head()}); });
    transaction(*journal, [&] { journal->take_lease(lease(10, 2), journal_now()); });
    REQUIRE(ledger().used() == core::Units{0});
    REQUIRE(number("SELECT sum(units) FROM unit_hour WHERE tranche = 't1'") == 3);
    verify();
    reopen();
    report(1'000);
    REQUIRE(ledger().used() == core::Units{1});
    verify();
}

// A session's time is cut where the mode changed, and stored when the mode is another one already.
TEST_CASE_METHOD(Machine, "what a session ran before a change of mode moves as what it counted as then") {
    using core::Amount;
    const auto describe = [&](core::Enforcement enforcement) {
        core::Resource resource = render();
        resource.enforcement = enforcement;
        transaction(*journal, [&] { journal->describe({resource}, {}); });
    };
    const auto run = [&](std::int64_t before, bool counted, std::int64_t after) {
        agent::SessionSlice slice;
        slice.record.id = "s";
        slice.record.resource = "render";
        slice.parts = {{core::hour_of(journal_noon), Amount{before}, counted},
                       {core::hour_of(journal_noon), Amount{after}, !counted}};
        transaction(*journal, [&] { journal->meter(slice, journal_now()); });
    };
    const std::int64_t counted = head();
    describe(core::Enforcement::none);
    run(3'000, true, 500);
    transaction(*journal, [&] { journal->begin_incarnation({2, counted, counted}); });
    CHECK(ledger().metered() == Amount{3'000});
    CHECK(told(journal->read_counters(10)) == 3'500);
    verify();
    const std::int64_t then = head();
    describe(core::Enforcement::hard);
    run(700, false, 200);
    transaction(*journal, [&] { journal->begin_incarnation({3, then, then}); });
    CHECK(ledger().metered() == Amount{200});
    verify();
}

TEST_CASE_METHOD(Machine, "units by hour that are more than a message holds are told in several, each once") {
    constexpr std::int64_t hours = 24'000;
    while (head() < 30) report(1);
    REQUIRE(journal->connection().execute(
        "INSERT INTO tranche SELECT resource, 't9', 9, tier, 99999, 24000, 0, valid_from_ms, ends_at_ms, "
        "final, payg_capped, payg_open FROM tranche"));
    REQUIRE(journal->connection().execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 24000) "
        "INSERT INTO unit_hour (resource, tranche, hour, units, changed) "
        "SELECT (SELECT id FROM resource), 't9', i, 1, 10 + i / 1500 FROM n"));
    std::map<std::int64_t, int> times;
    int messages = 0;
    for (bool more = true; more; ++messages) {
        const auto reading = journal->read_counters(10);
        CHECK(reading.hours.size() < 12'000);
        for (const auto& hour : reading.hours) ++times[hour.units.hour.number];
        more = reading.more_usage;
        CHECK(reading.whole_usage == !more);
        transaction(*journal, [&] { journal->settle({}, reading.change); });
        REQUIRE(messages < 10);
    }
    CHECK(messages == 3);
    CHECK(times.size() == hours);
    for (const auto& [hour, told] : times) CHECK(told == 1);
    CHECK(journal->read_counters(10).hours.empty());
}
