// The journal's chain on a real database: whatever is changed behind the journal's back is found, and named.
#include "chain_lab.hpp"

using namespace meterbox;
using namespace meterbox::tests;

TEST_CASE("each commit that wrote something has one link, and the chain is whole") {
    const tests::TemporaryFolder folder;
    fill(folder / "journal.db");
    Journal journal(folder / "journal.db");
    const ChainReport report = check(journal);
    CHECK_FALSE(report.broken);
    CHECK(report.first == 1);
    CHECK(report.links == 4);
    CHECK(report.events == 6);
    CHECK(report.head.sequence == 5);
    CHECK(report.head.hash.size() == 64);
    CHECK(journal.read_counters(10, 3).head.hash == report.head.hash);
}

TEST_CASE("a commit that wrote nothing has no link") {
    const tests::TemporaryFolder folder;
    fill(folder / "journal.db");
    Journal journal(folder / "journal.db");
    transaction(journal, [] {});  // the start's
    const std::int64_t before = journal.chain().head().sequence;
    transaction(journal, [] {});
    transaction(journal, [&] {
        agent::JournalEvent unknown = event(9);
        unknown.event.type = "nothing";
        REQUIRE_FALSE(journal.report(std::vector{unknown}, now()));
    });
    CHECK(journal.chain().head().sequence == before);
}

TEST_CASE("a transaction that was rolled back leaves the chain as it was") {
    const tests::TemporaryFolder folder;
    fill(folder / "journal.db");
    Journal journal(folder / "journal.db");
    REQUIRE(journal.begin());
    REQUIRE(journal.report(std::vector{event(50)}, now()));
    journal.rollback();
    report(journal, 51, 2);
    CHECK_FALSE(check(journal).broken);
    CHECK(journal.chain().head().sequence == 6);
}

TEST_CASE("what is changed behind the journal's back is found, and the first place of it is named") {
    struct Change {
        const char* sql;
        std::int64_t sequence;
        const char* word;
    };
    const Change changes[] = {
        {"UPDATE event SET amount = amount - 1 WHERE seq = 4", 4, "events 3 to 5"},
        {"UPDATE event SET subject = 'x' WHERE seq = 1", 3, "events 1 to 2"},
        {"UPDATE event SET time_ms = time_ms + 1 WHERE seq = 6", 5, "events 6 to 6"},
        {"UPDATE event SET amount = 1 WHERE seq IN (2, 6)", 3, "events 1 to 2"},
        {"DELETE FROM event WHERE seq = 4", 4, "events 3 to 5"},
        {"DELETE FROM event WHERE seq <= 3", 3, "missing"},
        {"DELETE FROM event", 3, "missing"},
        {"INSERT INTO event SELECT 7, resource, source, 'forged', subject, time_ms, amount, taken_at_ms FROM "
         "event "
         "WHERE seq = 6",
         5, "in no link"},
        {"DELETE FROM link WHERE seq = 3", 3, "missing"},
        {"UPDATE link SET hash = randomblob(32) WHERE seq = 3", 3, "hash"},
        {"UPDATE link SET hash = x'00' WHERE seq = 2", 2, "hash"},
        {"UPDATE link SET state = x'00' WHERE seq = 4", 4, "events 3 to 5"},
        {"UPDATE link SET last_event = 3 WHERE seq = 3", 3, "events 1 to 3"},
        {"UPDATE resource SET metered = metered + 1000", 5, "metered"},
        {"UPDATE tranche SET used = used - 1", 5, "tranche t1"},
        {"UPDATE tranche SET granted = granted + 1", 5, "tranche t1"},
        {"DELETE FROM tranche", 5, "tranche t1"},
        {"UPDATE unit_hour SET units = units + 1", 5, "hours of tranche t1"},
    };
    for (const Change& change : changes) {
        CAPTURE(change.sql);
        const tests::TemporaryFolder folder;
        fill(folder / "journal.db");
        Journal journal(folder / "journal.db");
        tamper(journal.connection(), change.sql);
        const ChainReport report = check(journal);
        REQUIRE(report.broken);
        CAPTURE(report.broken->what);
        CHECK(report.broken->sequence == change.sequence);
        CHECK(report.broken->what.find(change.word) != std::string::npos);
    }
}

TEST_CASE("what is changed behind the back of a later incarnation is found, too") {
    for (const auto& [sql, word] :
         {std::pair{"UPDATE unit_hour SET units = units + 1", "hours of tranche t1"},
          std::pair{"UPDATE meta SET value = '3' WHERE key = 'incarnation'",
                    "the incarnation is 3, and was committed as 2"}}) {
        CAPTURE(sql);
        const tests::TemporaryFolder folder;
        const auto path = folder / "journal.db";
        fill(path);
        {
            Journal journal(path);
            go_on_as_second(journal);
            report(journal, 7, 2);
            REQUIRE_FALSE(check(journal).broken);
        }
        Journal journal(path);
        tamper(journal.connection(), sql);
        const ChainReport report = check(journal);
        REQUIRE(report.broken);
        CAPTURE(report.broken->what);
        CHECK(report.broken->what.find(word) != std::string::npos);
    }
}

TEST_CASE("a chain whose newest links were cut off lacks what they covered") {
    const tests::TemporaryFolder folder;
    fill(folder / "journal.db");
    Journal journal(folder / "journal.db");
    tamper(journal.connection(), "DELETE FROM link WHERE seq > 3");
    const ChainReport report = check(journal);
    REQUIRE(report.broken);
    CHECK(report.broken->sequence == 4);
}

TEST_CASE("two copies of a disk part at their first commit, whatever it is") {
    const tests::TemporaryFolder folder;
    fill(folder / "a.db");
    std::filesystem::copy(folder / "a.db", folder / "b.db");
    Journal one(folder / "a.db");
    Journal other(folder / "b.db");
    CHECK(one.read_counters(0).head.hash == other.read_counters(0).head.hash);
    for (Journal* journal : {&one, &other}) transaction(*journal, [] {});
    CHECK(one.chain().head().sequence == 6);
    CHECK(other.chain().head().sequence == 6);
    CHECK(one.read_counters(0).head.hash != other.read_counters(0).head.hash);
    CHECK_FALSE(check(one).broken);
    CHECK_FALSE(check(other).broken);
}

TEST_CASE("starts are known by their links after those were forgotten, the newest of them") {
    const tests::TemporaryFolder folder;
    const auto starts = [](Journal& journal) {
        std::vector<std::pair<std::int64_t, std::string>> named;
        for (const auto& start : journal.chain().starts_after(0, core::limits::journal_starts_max).value())
            named.emplace_back(start.sequence, start.hash);
        return named;
    };
    std::vector<std::pair<std::int64_t, std::string>> all;
    const auto start_and_forget = [&](int event) {
        Journal journal(folder / "journal.db");
        transaction(journal, [&] { journal.describe({tests::render()}); });
        report(journal, event, 2);
        all = starts(journal);
        transaction(journal, [&] { REQUIRE(journal.chain().forget(journal.chain().head().sequence, 99)); });
        CHECK(journal.connection().number("SELECT count(*) FROM link WHERE start = 1").value() == 0);
        CHECK(starts(journal) == all);
    };
    for (int started = 1; started <= 3; ++started) {
        start_and_forget(10 * started);
        CHECK(all.size() == static_cast<std::size_t>(started));
    }
    for (int started = 4; started <= 70; ++started) start_and_forget(10 * started);
    CHECK(all.size() == core::limits::journal_starts_max);
    Journal journal(folder / "journal.db");
    CHECK(journal.connection().number("SELECT count(*) FROM former_start").value() == 64);
    CHECK(journal.chain().starts_after(all.front().first, 64).value().empty());
    CHECK_FALSE(check(journal).broken);
}

TEST_CASE("a chain whose oldest events and links retention took away is whole") {
    const tests::TemporaryFolder folder;
    fill(folder / "journal.db");
    Journal journal(folder / "journal.db");
    report(journal, 30, 4);
    transaction(journal, [&] {
        REQUIRE(journal.connection().execute("DELETE FROM event WHERE seq <= 4"));
        journal.forgot_events(4);
    });
    CHECK_FALSE(check(journal).broken);
    transaction(journal, [&] { CHECK(journal.chain().forget(3, 2).value() == 2); });
    transaction(journal, [&] { CHECK(journal.chain().forget(3, 2).value() == 1); });
    const ChainReport left = check(journal);
    CHECK_FALSE(left.broken);
    CHECK(left.first == 4);
    transaction(journal, [&] {
        REQUIRE(journal.connection().execute("DELETE FROM event"));
        journal.forgot_events(10);
    });
    report(journal, 40, 1);
    CHECK_FALSE(check(journal).broken);
    CHECK(journal.connection().number("SELECT min(seq) FROM event").value() == 11);
}
