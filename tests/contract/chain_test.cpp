// The journal's chain on a real database: whatever is changed behind the journal's back is found, and named.
#include "agent/chain_check.hpp"
#include "agent/journal.hpp"
#include "agent/journal_schema.hpp"
#include "core/limits.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace meterbox;
using agent::ChainReport;
using agent::Journal;

namespace {

constexpr core::UtcTime noon{1'800'000'000'000};
constexpr std::int64_t unit = 1'000;

agent::JournalNow now() {
    return {core::Now::at(noon), noon, true};
}

core::Resource render() {
    core::Resource resource;
    resource.key = "render";
    resource.name = "Render";
    resource.unit_size = core::Amount{unit};
    return resource;
}

core::Lease lease() {
    core::LeaseTranche tranche;
    tranche.tranche = "t1";
    tranche.granted = core::Units{100};
    tranche.valid_from = noon + -core::day_ms;
    core::Lease lease;
    lease.resources = {{"render", core::Amount{unit}, {}, {tranche}}};
    return lease;
}

agent::JournalEvent event(int number, std::int64_t amount = 700) {
    agent::JournalEvent entry;
    entry.event.source = "/test";
    entry.event.id = std::to_string(number);
    entry.event.type = "render";
    entry.event.amount = core::Amount{amount};
    entry.identity.bytes[0] = static_cast<std::byte>(number);
    entry.identity.bytes[1] = static_cast<std::byte>(number >> 8);
    entry.time = noon;
    return entry;
}

template <class Work>
void transaction(Journal& journal, Work work) {
    REQUIRE(journal.begin());
    work();
    REQUIRE(journal.commit());
}

void report(Journal& journal, int first, int count) {
    transaction(journal, [&] {
        for (int i = first; i < first + count; ++i) REQUIRE(journal.report(std::vector{event(i)}, now()));
    });
}

// Five links: the start with the catalogue, the lease, and three reports with 2, 3 and 1 events.
void fill(const std::filesystem::path& path) {
    Journal journal(path);
    transaction(journal, [&] { journal.describe({render()}); });
    transaction(journal, [&] { journal.take_lease(lease(), now()); });
    report(journal, 1, 2);
    report(journal, 3, 3);
    report(journal, 6, 1);
}

ChainReport check(Journal& journal) {
    agent::ChainCheck check(journal.connection());
    while (check.go_on([] { return true; }).value()) {
    }
    return check.finish(journal.chain().head()).value();
}

void tamper(platform::sqlite::Connection& connection, const std::string& sql) {
    const std::int64_t before = connection.number("SELECT total_changes()").value();
    REQUIRE(connection.execute(sql));
    REQUIRE(connection.number("SELECT total_changes()").value() > before);
}

// Somebody with the file and without the journal. Journal and thief take turns: one has it open at a time.
void tamper(const std::filesystem::path& path, const std::string& sql) {
    const auto connection = platform::sqlite::Connection::open({path, agent::journal_application_id}).value();
    tamper(*connection, sql);
}

// Whether the start that found it so put the journal aside for this.
bool is_set_aside_for(const std::filesystem::path& path, const std::string& word) {
    const Journal journal(path);
    return journal.suspicion() && journal.suspicion()->cause == agent::Suspicion::Cause::set_aside &&
           journal.suspicion()->detail.find(word) != std::string::npos;
}

// After a start of its own, with another lease.
void go_on_as_second(Journal& journal) {
    transaction(journal, [] {});  // the start's
    const std::int64_t head = journal.chain().head().sequence;
    transaction(journal, [&] { journal.begin_incarnation({2, head, head}); });
    transaction(journal, [&] { journal.take_lease(lease(), now()); });
}

}  // namespace

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

TEST_CASE("totals that were edited while the journal was closed are found before a start commits them") {
    const std::pair<const char*, const char*> changes[] = {
        {"UPDATE tranche SET granted = granted + 5", "the units of tranche t1 of render are not"},
        {"UPDATE tranche SET returned = 1", "the units of tranche t1 of render are not"},
        {"UPDATE resource SET metered = metered + 1", "what was metered of render is 4201"},
        // Units taken back in all tables together, so that nothing contradicts anything.
        {"UPDATE resource SET metered = metered - 1000; UPDATE tranche SET used = used - 1; UPDATE unit_hour "
         "SET "
         "units = units - 1; UPDATE usage SET amount = amount - 1000",
         "what was metered of render is 3200"},
        {"DELETE FROM tranche", "the units of tranche t1 of render are not"},
        {"DELETE FROM unit_hour; DELETE FROM tranche; DELETE FROM usage; DELETE FROM event; DELETE FROM "
         "resource",
         "resource render is missing"},
        {"INSERT INTO tranche SELECT resource, 't2', 1, tier, 50, 0, 0, valid_from_ms, ends_at_ms, final, "
         "payg_capped, payg_open FROM tranche",
         "tranche t2 of render was never committed"},
        {"INSERT INTO resource SELECT 9, 'other', name, kind, measure, unit_size, enforcement, 1, NULL, 0 "
         "FROM "
         "resource",
         "what was metered of other is 1"},
        {"DELETE FROM link WHERE seq = 5", "what was metered of render is 4200"},
        {"UPDATE link SET state = x'00' WHERE seq = 4", "link 4: "}};
    for (const auto& [sql, word] : changes) {
        CAPTURE(sql);
        const tests::TemporaryFolder folder;
        fill(folder / "journal.db");
        tamper(folder / "journal.db", sql);
        CHECK(is_set_aside_for(folder / "journal.db", word));
        CHECK(std::filesystem::exists(folder / "journal.db.damaged-1"));
    }
}

TEST_CASE("totals of a later incarnation that were edited while it was closed are found, too") {
    for (const char* sql :
         {"UPDATE resource SET metered = metered + 1", "UPDATE tranche SET granted = 200"}) {
        CAPTURE(sql);
        const tests::TemporaryFolder folder;
        const auto path = folder / "journal.db";
        fill(path);
        {
            Journal journal(path);
            go_on_as_second(journal);
        }
        CHECK_FALSE(Journal(path).suspicion());
        tamper(path, sql);
        CHECK(is_set_aside_for(path, "its totals are not those that its chain states"));
    }
}

TEST_CASE("a start compares no more than the newest links, and takes the others on trust") {
    const tests::TemporaryFolder folder;
    fill(folder / "journal.db");
    tamper(folder / "journal.db", "UPDATE tranche SET granted = granted + 5");
    const auto connection =
        platform::sqlite::Connection::open({folder / "journal.db", agent::journal_application_id}).value();
    CHECK_FALSE(agent::difference_from_links(*connection, 5).value().empty());
    CHECK(agent::difference_from_links(*connection, 0).value().empty());
}

TEST_CASE("a start that found other totals than were committed is not whole, whatever it wrote") {
    const tests::TemporaryFolder folder;
    fill(folder / "journal.db");
    Journal journal(folder / "journal.db");
    core::LinkState state{core::StartMark{}, {}, {}, {{"render", core::Amount{4'200}, {}}}, {}, {}};
    state.resources[0].tranches = {{"t1", core::Units{105}, core::Units{4}, core::Units{}}};
    agent::Chain chain(journal.connection());
    REQUIRE(chain.load());
    chain.begin();
    REQUIRE(chain.close(6, state));
    chain.committed();
    tamper(journal.connection(), "UPDATE tranche SET granted = 105");
    agent::ChainCheck check(journal.connection());
    while (check.go_on([] { return true; }).value()) {
    }
    const ChainReport report = check.finish(chain.head()).value();
    REQUIRE(report.broken);
    CAPTURE(report.broken->what);
    CHECK(report.broken->sequence == 6);
    CHECK(report.broken->what.find("a start found other totals: the units of tranche t1") == 0);
}

TEST_CASE("a start that is marked after a report in the same transaction is whole") {
    const tests::TemporaryFolder folder;
    fill(folder / "journal.db");
    Journal journal(folder / "journal.db");
    transaction(journal, [] {});
    transaction(journal, [&] {
        REQUIRE(journal.report(std::vector{event(7)}, now()));
        journal.mark_start();
    });
    CHECK_FALSE(check(journal).broken);
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

TEST_CASE("a start's link says what the start found, though it comes with the first report") {
    const tests::TemporaryFolder folder;
    fill(folder / "journal.db");
    Journal journal(folder / "journal.db");
    report(journal, 20, 1);
    const core::LinkState state = journal.chain().state_of(6).value().value();
    REQUIRE(state.start);
    REQUIRE(state.resources.size() == 2);
    CHECK(state.resources[0].metered == core::Amount{6 * 700});
    CHECK(state.resources[0].tranches ==
          std::vector<core::TrancheTotals>{{"t1", core::Units{100}, core::Units{4}, core::Units{}}});
    CHECK(state.resources[1].metered == core::Amount{7 * 700});
    const agent::CounterReading reading = journal.read_counters(0, 1);
    REQUIRE(reading.starts.size() == 1);
    CHECK(reading.starts[0].sequence == 6);
    CHECK(reading.acknowledged.hash.size() == 64);
    CHECK(journal.read_counters(0, 77).acknowledged.hash.empty());
    CHECK(journal.read_counters(0, 0).starts.size() == 2);
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

TEST_CASE("a journal whose links were all deleted at once isn't taken for one from before the chain") {
    const tests::TemporaryFolder folder;
    fill(folder / "journal.db");
    tamper(folder / "journal.db", "DELETE FROM link; UPDATE resource SET metered = metered + 1");
    CHECK(is_set_aside_for(folder / "journal.db", "all links of its chain are gone"));
    CHECK(std::filesystem::exists(folder / "journal.db.damaged-1"));
}

TEST_CASE("a journal from before the chain begins one") {
    const tests::TemporaryFolder folder;
    fill(folder / "journal.db");
    tamper(folder / "journal.db", "DELETE FROM link; DELETE FROM meta WHERE key = 'chain'");
    Journal journal(folder / "journal.db");
    CHECK_FALSE(check(journal).broken);
    report(journal, 60, 2);
    const ChainReport begun = check(journal);
    CHECK_FALSE(begun.broken);
    CHECK(begun.first == begun.head.sequence);
    CHECK(begun.head.sequence > 5);
}
