// The journal on a real database: what belongs together changes together, is there after a restart,
// and a refusal leaves no trace.
#include "agent/journal.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/limits.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace meterbox;
using agent::Journal;
using agent::JournalEvent;
using agent::JournalNow;

namespace {

constexpr core::UtcTime noon{1'800'000'000'000};

JournalNow at(core::UtcTime time) {
    return {core::Now::at(time), time, true};
}

core::Resource render(std::int64_t unit_size = 1'000) {
    core::Resource resource;
    resource.key = "render";
    resource.name = "Render";
    resource.unit_size = core::Amount{unit_size};
    return resource;
}

JournalEvent event(unsigned char id, std::int64_t amount, std::string subject = {}) {
    JournalEvent entry;
    entry.event.source = "/test";
    entry.event.id = std::to_string(id);
    entry.event.type = "render";
    entry.event.subject = std::move(subject);
    entry.event.amount = core::Amount{amount};
    entry.identity.bytes[0] = static_cast<std::byte>(id);
    entry.contents = static_cast<std::uint64_t>(amount);
    entry.time = noon;
    return entry;
}

core::Lease lease(std::int64_t granted) {
    core::LeaseTranche tranche;
    tranche.tranche = "t1";
    tranche.granted = core::Units{granted};
    tranche.valid_from = noon + -core::day_ms;
    core::LeaseResource resource;
    resource.key = "render";
    resource.unit_size = core::Amount{1'000};
    resource.tranches = {tranche};
    core::Lease lease;
    lease.resources = {resource};
    return lease;
}

template <class Work>
void transaction(Journal& journal, Work work) {
    REQUIRE(journal.begin());
    work();
    REQUIRE(journal.commit());
}

std::unique_ptr<Journal> journal_in(const tests::TemporaryFolder& folder) {
    auto journal = std::make_unique<Journal>(folder / "journal.db");
    transaction(*journal, [&] { journal->describe({render()}); });
    return journal;
}

const core::ResourceLedger& ledger(const std::vector<agent::LedgerView>& views) {
    return *views.at(0);
}

core::Result<agent::ReportOutcome> report(Journal& journal, const std::vector<JournalEvent>& events) {
    return journal.report(events, at(noon));
}

}  // namespace

TEST_CASE("event, identity, usage, remainder and completed unit are there together after a restart") {
    const tests::TemporaryFolder folder;
    {
        auto journal = journal_in(folder);
        transaction(*journal, [&] {
            journal->take_lease(lease(5), at(noon));
            const auto outcome = report(*journal, {event(1, 2'500)});
            REQUIRE(outcome);
            CHECK(outcome->accepted == 1);
        });
    }
    Journal journal(folder / "journal.db");
    const auto views = journal.ledgers();
    CHECK(ledger(views).metered() == core::Amount{2'500});
    CHECK(ledger(views).remainder() == core::Amount{500});
    CHECK(ledger(views).used() == core::Units{2});
    CHECK(ledger(views).leased(core::Now::at(noon)) == core::Units{3});
    const auto reading = journal.read_counters(10);
    REQUIRE(reading.usage.size() == 1);
    CHECK(reading.usage[0].usage == core::Amount{2'500});
    REQUIRE(reading.hours.size() == 1);
    CHECK(reading.hours[0].units.units == core::Units{2});
    transaction(journal, [&] {
        const auto again = report(journal, {event(1, 2'500)});
        REQUIRE(again);
        CHECK(again->duplicates == 1);
        CHECK(again->accepted == 0);
    });
    CHECK(ledger(journal.ledgers()).metered() == core::Amount{2'500});
}

TEST_CASE("a batch with one bad event leaves no trace, and its events can be sent again") {
    const tests::TemporaryFolder folder;
    auto journal = journal_in(folder);
    transaction(*journal, [&] { REQUIRE(report(*journal, {event(1, 100)})); });
    transaction(*journal, [&] {
        const auto refused = report(*journal, {event(2, 100), event(3, 100), event(1, 999), event(4, 100)});
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == core::ErrorCode::conflict);
        CHECK(refused.error().index == std::size_t{2});
    });
    transaction(*journal, [&] {
        JournalEvent unknown = event(5, 100);
        unknown.event.type = "nobody-knows";
        const auto refused = report(*journal, {event(2, 100), unknown});
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == core::ErrorCode::invalid);
        CHECK(refused.error().index == std::size_t{1});
    });
    CHECK(ledger(journal->ledgers()).metered() == core::Amount{100});
    transaction(*journal, [&] {
        const auto taken = report(*journal, {event(2, 100), event(3, 100), event(4, 100)});
        REQUIRE(taken);
        CHECK(taken->accepted == 3);
    });
    CHECK(ledger(journal->ledgers()).metered() == core::Amount{400});
}

TEST_CASE("the same event twice in one batch counts once") {
    const tests::TemporaryFolder folder;
    auto journal = journal_in(folder);
    transaction(*journal, [&] {
        const auto outcome = report(*journal, {event(1, 100), event(1, 100)});
        REQUIRE(outcome);
        CHECK(outcome->accepted == 1);
        CHECK(outcome->duplicates == 1);
    });
    CHECK(ledger(journal->ledgers()).metered() == core::Amount{100});
}

TEST_CASE("a transaction that is rolled back leaves the ledgers as they were") {
    const tests::TemporaryFolder folder;
    auto journal = journal_in(folder);
    transaction(*journal, [&] { REQUIRE(report(*journal, {event(1, 100)})); });
    REQUIRE(journal->begin());
    REQUIRE(report(*journal, {event(2, 5'000)}));
    core::Resource other = render();
    other.key = "other";
    journal->describe({other});
    journal->rollback();
    REQUIRE(journal->ledgers().size() == 1);
    CHECK(ledger(journal->ledgers()).metered() == core::Amount{100});
    CHECK(journal->pending_usage_rows() == 1);
    transaction(*journal, [&] {
        const auto taken = report(*journal, {event(2, 5'000)});
        REQUIRE(taken);
        CHECK(taken->accepted == 1);
    });
    CHECK(ledger(journal->ledgers()).metered() == core::Amount{5'100});
    CHECK(journal->read_counters(10).usage.at(0).usage == core::Amount{5'100});
}

TEST_CASE("worked example 11 in the journal: overage takes the first units that come") {
    const tests::TemporaryFolder folder;
    auto journal = journal_in(folder);
    const auto expect = [&](std::int64_t used, std::int64_t overage_units, std::int64_t overage) {
        const auto views = journal->ledgers();
        CHECK(ledger(views).used() == core::Units{used});
        CHECK(ledger(views).overage_units() == core::Units{overage_units});
        CHECK(ledger(views).overage(core::Now::at(noon)) == core::Amount{overage});
        CHECK(ledger(views).remainder() == core::Amount{500});
    };
    transaction(*journal, [&] {
        journal->take_lease(lease(1), at(noon));
        REQUIRE(report(*journal, {event(1, 3'500)}));
    });
    expect(1, 2, 2'500);
    transaction(*journal, [&] { journal->take_lease(lease(3), at(noon)); });
    expect(3, 0, 500);
    transaction(*journal, [&] { journal->take_lease(lease(4), at(noon)); });
    expect(3, 0, 0);
    CHECK(ledger(journal->ledgers()).available(core::Now::at(noon)) == core::Amount{500});
}

TEST_CASE("what changed after a reading stays pending when the reading is settled") {
    const tests::TemporaryFolder folder;
    auto journal = journal_in(folder);
    transaction(*journal, [&] { REQUIRE(report(*journal, {event(1, 100), event(2, 100, "job")})); });
    const auto reading = journal->read_counters(10);
    REQUIRE(reading.usage.size() == 2);
    transaction(*journal, [&] { REQUIRE(report(*journal, {event(3, 50, "job")})); });
    transaction(*journal, [&] { journal->settle(reading.usage_keys, reading.change); });
    CHECK(journal->pending_usage_rows() == 1);
    const auto left = journal->read_counters(10);
    REQUIRE(left.usage.size() == 1);
    CHECK(left.usage[0].subject == "job");
    CHECK(left.usage[0].usage == core::Amount{150});
    transaction(*journal, [&] { journal->settle(left.usage_keys, left.change); });
    CHECK(journal->pending_usage_rows() == 0);
    transaction(*journal, [&] { REQUIRE(report(*journal, {event(4, 1)})); });
    CHECK(journal->pending_usage_rows() == 1);
}

TEST_CASE("a reading with more rows than fit says so, and the rest follows") {
    const tests::TemporaryFolder folder;
    auto journal = journal_in(folder);
    transaction(*journal, [&] {
        REQUIRE(report(*journal, {event(1, 1, "a"), event(2, 1, "b"), event(3, 1, "c")}));
    });
    const auto reading = journal->read_counters(2);
    CHECK(reading.usage.size() == 2);
    CHECK(reading.more_usage);
    transaction(*journal, [&] { journal->settle(reading.usage_keys, reading.change); });
    const auto rest = journal->read_counters(2);
    CHECK(rest.usage.size() == 1);
    CHECK_FALSE(rest.more_usage);
}

TEST_CASE("200 subjects an hour keep their names, the 201st and those after it are other") {
    const tests::TemporaryFolder folder;
    auto journal = journal_in(folder);
    for (unsigned char i = 0; i < 202; ++i)
        transaction(*journal,
                    [&] { REQUIRE(report(*journal, {event(i, 1, "subject " + std::to_string(i))})); });
    const auto reading = journal->read_counters(1'000);
    REQUIRE(reading.usage.size() == 201);
    const auto other = std::find_if(reading.usage.begin(), reading.usage.end(),
                                    [](const core::wire::UsageRow& row) { return row.subject == "other"; });
    REQUIRE(other != reading.usage.end());
    CHECK(other->usage == core::Amount{2});
    transaction(*journal, [&] { REQUIRE(report(*journal, {event(250, 5, "subject 7")})); });
    const auto named = journal->read_counters(1'000);
    const auto seven =
        std::find_if(named.usage.begin(), named.usage.end(),
                     [](const core::wire::UsageRow& row) { return row.subject == "subject 7"; });
    REQUIRE(seven != named.usage.end());
    CHECK(seven->usage == core::Amount{6});
}

TEST_CASE("a session's slices count once, and its record survives a restart") {
    const tests::TemporaryFolder folder;
    agent::SessionSlice slice;
    slice.record.id = "s1";
    slice.record.resource = "render";
    slice.record.started_at = noon;
    slice.record.boot_id = "boot";
    slice.record.mark = core::MonotonicTime{700};
    slice.record.metered = core::Amount{700};
    slice.parts = {{core::hour_of(noon), core::Amount{300}},
                   {core::UtcHour{core::hour_of(noon).number + 1}, core::Amount{400}}};
    slice.starts = true;
    {
        auto journal = journal_in(folder);
        transaction(*journal, [&] { journal->meter(slice, at(noon)); });
        CHECK(journal->take_publications().back().metered_by_sessions.at(0).second == core::Amount{700});
    }
    Journal journal(folder / "journal.db");
    CHECK(ledger(journal.ledgers()).metered() == core::Amount{700});
    CHECK(journal.read_counters(10).usage.size() == 2);
    const auto running = journal.tables().running_sessions();
    REQUIRE(running);
    REQUIRE(running->size() == 1);
    CHECK(running->at(0).mark == core::MonotonicTime{700});
    slice.record.ended_at = noon;
    slice.parts.clear();
    slice.starts = false;
    slice.ends = true;
    transaction(journal, [&] { journal.meter(slice, at(noon)); });
    CHECK(journal.tables().running_sessions()->empty());
    const auto ended = journal.tables().session("s1");
    REQUIRE(ended);
    REQUIRE(*ended);
    CHECK((*ended)->remainder == core::Amount{700});
}

TEST_CASE("usage under enforcement none is recorded and nothing else") {
    const tests::TemporaryFolder folder;
    Journal journal(folder / "journal.db");
    core::Resource free_of_charge = render();
    free_of_charge.enforcement = core::Enforcement::none;
    transaction(journal, [&] { journal.describe({free_of_charge}); });
    transaction(journal, [&] { REQUIRE(report(journal, {event(1, 5'000)})); });
    CHECK(ledger(journal.ledgers()).metered() == core::Amount{0});
    CHECK(journal.read_counters(10).usage.at(0).usage == core::Amount{5'000});
}

TEST_CASE("more than the counters can hold is refused, and the sum of many reports too") {
    const tests::TemporaryFolder folder;
    auto journal = journal_in(folder);
    const std::int64_t most = core::limits::amount_max;
    unsigned char id = 0;
    bool refused = false;
    for (int i = 0; i < 200 && !refused; ++i) {
        transaction(*journal, [&] {
            const auto outcome = report(*journal, {event(id, most)});
            ++id;
            refused = !outcome;
            if (refused) CHECK(outcome.error().code == core::ErrorCode::invalid);
        });
    }
    CHECK(refused);
    transaction(*journal, [&] { CHECK(report(*journal, {event(255, 1)})); });
}

TEST_CASE("what was taken is taken when it is repeated, also where the counters hold no more") {
    const tests::TemporaryFolder folder;
    auto journal = journal_in(folder);
    const std::int64_t most = core::limits::amount_max;
    std::vector<JournalEvent> all;
    for (unsigned char id = 0; id < 128; ++id) all.push_back(event(id, most));
    all.push_back(event(128, 128));
    transaction(*journal, [&] { CHECK(report(*journal, all)->accepted == 129); });
    REQUIRE(ledger(journal->ledgers()).metered() == core::Amount{core::limits::counter_max});
    transaction(*journal, [&] {
        const auto again = report(*journal, all);
        REQUIRE(again);
        CHECK(again->accepted == 0);
        CHECK(again->duplicates == 129);
    });
    transaction(*journal, [&] {
        const auto refused = report(*journal, {event(1, most), event(200, 0), event(201, 1)});
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == core::ErrorCode::invalid);
        CHECK(refused.error().index == 2);
    });
    // Nothing of that batch was taken.
    transaction(*journal, [&] { CHECK(report(*journal, {event(200, 0)})->accepted == 1); });
    transaction(*journal, [&] { CHECK_FALSE(report(*journal, {event(201, 1)})); });
}

TEST_CASE(
    "usage under enforcement none is bounded by the hour, whatever it is for, and a day still adds up") {
    const tests::TemporaryFolder folder;
    Journal journal(folder / "journal.db");
    core::Resource free_of_charge = render();
    free_of_charge.enforcement = core::Enforcement::none;
    transaction(journal, [&] { journal.describe({free_of_charge}); });
    std::vector<JournalEvent> subjects;
    for (int i = 0; i < 200; ++i)
        subjects.push_back(event(static_cast<unsigned char>(i), 0, "s" + std::to_string(i)));
    transaction(journal, [&] { REQUIRE(report(journal, subjects)); });
    const std::int64_t most = core::limits::amount_max;
    unsigned char id = 200;
    for (int hour = 0; hour < 25; ++hour) {
        for (int i = 0; i < 8; ++i) {  // two at a time, past the subjects that have rows of their own
            std::vector<JournalEvent> two{event(0, most, "more"), event(0, most, "more still")};
            for (JournalEvent& each : two) {
                each.identity.bytes[0] = static_cast<std::byte>(id++);
                each.identity.bytes[1] = static_cast<std::byte>(hour + 1);
                each.time = noon + -hour * core::hour_ms;
            }
            transaction(journal, [&] { REQUIRE(report(journal, two)); });
        }
        JournalEvent last = event(0, 16, "more");
        last.time = noon + -hour * core::hour_ms;
        last.identity.bytes[2] = static_cast<std::byte>(hour + 1);
        JournalEvent one_more = last;
        one_more.identity.bytes[3] = std::byte{1};
        one_more.event.amount = core::Amount{1};
        transaction(journal, [&] {
            CHECK_FALSE(report(journal, {last, one_more}));
            CHECK(report(journal, {last}));
            CHECK_FALSE(report(journal, {one_more}));
        });
    }
    const auto day = journal.usage_of_last_day("render", noon);
    REQUIRE(day);
    CHECK(*day == core::Amount{25 * core::limits::hour_amount_max});
}
