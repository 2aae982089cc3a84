// What a start looks at before it commits: totals that were edited, or links that were deleted, while nobody
// was there; and what it writes of that.
#include "chain_lab.hpp"

using namespace meterbox;
using namespace meterbox::tests;

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
    const ChainReport report = check(journal, chain.head());
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
