// Whatever a transaction did to the journal, its failure leaves everything as it was: what can be read now,
// and what the transactions after it make of it. A twin that never saw the failed ones ends with the same.
#include <functional>
#include <random>
#include <sstream>
#include <vector>

#include "tests/support/journal_builders.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace meterbox;
using namespace meterbox::tests;
using agent::Journal;

namespace {

core::Resource seats() {
    core::Resource resource = render();
    resource.key = "seats";
    resource.kind = core::Kind::returnable;
    resource.measure = core::Measure::count;
    resource.unit_size = core::Amount{1};
    return resource;
}

void show(std::ostream& out, const core::ResourceLedger& ledger) {
    out << ledger.resource().key << " " << static_cast<int>(ledger.resource().enforcement) << " M "
        << ledger.metered().value() << " H " << ledger.held().value();
    for (const core::Tranche& tranche : ledger.tranches())
        out << " " << tranche.id << ":" << tranche.granted.value() << "/" << tranche.used.value() << "/"
            << tranche.returned.value();
    out << "\n";
}

// All that anybody can ask of it, but for the hashes of its chain: each start has random ones.
std::string state_of(Journal& journal) {
    std::ostringstream out;
    out << "incarnation " << journal.incarnation() << " settled " << journal.settled() << " pending "
        << journal.pending_usage_rows() << " head " << journal.chain().head().sequence << " events "
        << journal.tables().rows().value().events << " modes " << journal.modes().to_json() << "\n";
    if (journal.high_water()) out << "mark " << journal.high_water()->ms << "\n";
    if (journal.suspicion()) out << "suspected: " << journal.suspicion()->detail << "\n";
    for (const auto& [key, value] : journal.meta()) out << key << "=" << value << "\n";
    const agent::CounterReading reading = journal.read_counters(1'000);
    for (const core::ResourceLedger& ledger : reading.ledgers) {
        show(out, ledger);
        out << "former " << journal.former(ledger.resource().key).value() << "\n";
    }
    for (const auto& row : reading.usage)
        out << row.resource << " " << row.hour.number << " " << row.subject << " " << row.usage.value()
            << "\n";
    for (const auto& hour : reading.hours)
        out << hour.resource << " " << hour.tranche << " " << hour.units.hour.number << " "
            << hour.units.units.value() << "\n";
    for (const agent::StoredResource& stored : journal.tables().resources().value()) {
        show(out, stored.ledger);
        out << (stored.high_water ? stored.high_water->ms : 0) << "\n";
    }
    for (const agent::SessionRecord& session : journal.tables().running_sessions().value())
        out << session.id << " " << session.resource << " " << session.metered.value() << "\n";
    return out.str();
}

// One transaction's work, drawn from its seed and from what it finds.
class Work {
public:
    Work(Journal& journal, unsigned seed) : journal_(journal), dice_(seed), seed_(seed) {}

    void run() {
        if (upto(11) == 0) return begin_incarnation();  // by itself, as hello does it
        for (std::int64_t left = 1 + upto(4); left > 0; --left) {
            const std::vector<std::function<void()>> all{
                [this] { report(); },     [this] { report(); },
                [this] { take_lease(); }, [this] { describe(); },
                [this] { session(); },    [this] { session(); },
                [this] { give_back(); },  [this] { settle(); },
                [this] { tell_again(); }, [this] { set_meta(); },
                [this] { suspect(); },    [this] { journal_.dispel_suspicion(); },
                [this] { note_held(); },  [this] { journal_.settle_overage(now()); },
            };
            all[static_cast<std::size_t>(upto(static_cast<std::int64_t>(all.size()) - 1))]();
        }
    }
    // More than the pages that the database has.
    void fill() {
        std::vector<agent::JournalEvent> events;
        for (int i = 0; i < 200; ++i) {
            events.push_back(event(50'000 + i, 1'500));
            events.back().event.source = std::string(1'000, 's');
        }
        REQUIRE(journal_.report(events, now()));
    }

private:
    std::int64_t upto(std::int64_t most) {
        return std::uniform_int_distribution<std::int64_t>(0, most)(dice_);
    }
    agent::JournalNow now() {
        return journal_now(journal_noon + upto(5) * core::hour_ms / 2);  // also back
    }
    std::string subject() {
        return std::vector<std::string>{"", "a", "b"}[static_cast<std::size_t>(upto(2))];
    }

    void report() {
        std::vector<agent::JournalEvent> events;
        for (std::int64_t left = 1 + upto(2); left > 0; --left) {
            events.push_back(event(static_cast<int>(upto(3'000)), 100 * (1 + upto(20)),
                                   journal_noon + -upto(3) * core::hour_ms));
            events.back().event.subject = subject();
            events.back().contents = static_cast<std::uint64_t>(upto(1));
        }
        (void)journal_.report(events, now());  // a conflict is refused, and leaves no trace
    }
    void take_lease() {
        core::Lease next = lease(0);
        core::LeaseTranche& tranche = next.resources[0].tranches[0];
        for (const auto& ledger : journal_.ledgers())
            for (const core::Tranche& known : ledger->tranches())
                if (known.id == tranche.tranche) tranche.granted = known.granted;
        tranche.granted += core::Units{upto(10)};
        core::LeaseResource more = next.resources[0];
        more.key = "seats";
        more.unit_size = core::Amount{1};
        more.tranches[0].tranche = "t2";
        more.tranches[0].granted = core::Units{static_cast<std::int64_t>(seed_) * 20 + upto(10)};
        next.resources.push_back(more);
        journal_.take_lease(next, now());
    }
    void describe() {
        core::Resource changed = render();
        changed.enforcement = std::vector{core::Enforcement::hard, core::Enforcement::soft,
                                          core::Enforcement::none}[static_cast<std::size_t>(upto(2))];
        core::Resource added = render();
        added.key = "more" + std::to_string(upto(3));
        journal_.describe({changed, added}, {core::MonotonicTime{upto(1'000)}, "boot"});
    }
    void session() {
        agent::SessionSlice slice;
        slice.record.id = "s" + std::to_string(upto(5));
        slice.record.resource = upto(1) == 0 ? "render" : "seats";
        const auto known = journal_.tables().session(slice.record.id).value();
        if (known) slice.record = *known;
        if (slice.record.ended_at) return;
        slice.starts = !known;
        slice.ends = known && upto(1) == 0;
        if (slice.starts) slice.record.subject = subject();
        if (slice.starts) slice.record.quantity = core::Units{1 + upto(3)};
        slice.record.started_at = journal_noon;
        slice.record.boot_id = "boot";
        if (slice.ends) slice.record.ended_at = journal_noon;
        if (slice.record.resource == "render")
            slice.parts = {{core::hour_of(journal_noon), core::Amount{1 + upto(2'000)}, upto(4) > 0}};
        journal_.meter(slice, now());
    }
    void give_back() { journal_.give_back_beyond("seats", core::Units{upto(5)}, now()); }
    void settle() {
        const agent::CounterReading reading = journal_.read_counters(static_cast<std::size_t>(upto(3)));
        journal_.settle(reading.usage_keys, std::min(reading.change, journal_.chain().head().sequence));
    }
    void tell_again() { journal_.tell_again_after(upto(std::max<std::int64_t>(0, journal_.settled()))); }
    void set_meta() { journal_.set_meta("key" + std::to_string(upto(2)), std::to_string(seed_)); }
    void suspect() { journal_.suspect({agent::Suspicion::Cause::fenced, "seed " + std::to_string(seed_)}); }
    void note_held() { journal_.note_held(now()); }
    void begin_incarnation() {
        const std::int64_t head = journal_.chain().head().sequence;
        const std::int64_t counted = upto(head);
        journal_.begin_incarnation({journal_.incarnation() + 1, counted, upto(counted)});
    }

    Journal& journal_;
    std::mt19937 dice_;
    unsigned seed_;
};

struct Twins {
    explicit Twins() {
        for (Journal* journal : {&one, &other})
            transaction(*journal, [&] {
                journal->describe({render(), seats()});
                journal->take_lease(lease(10), journal_now());
            });
    }
    TemporaryFolder folder;
    Journal one{folder / "one.db"};
    Journal other{folder / "other.db"};
};

}  // namespace

TEST_CASE("a transaction that fails leaves the journal as it was, and is seen by none after it") {
    Twins twins;
    std::mt19937 dice(20'261'126);
    int failed = 0;
    for (unsigned seed = 1; seed <= 600; ++seed) {
        CAPTURE(seed);
        const std::string before = state_of(twins.one);
        REQUIRE(twins.one.begin());
        Work(twins.one, seed).run();
        if (dice() % 2 == 0) {
            ++failed;
            twins.one.rollback();
            REQUIRE(state_of(twins.one) == before);
            continue;
        }
        REQUIRE(twins.one.commit());
        transaction(twins.other, [&] { Work(twins.other, seed).run(); });
        REQUIRE(state_of(twins.one) == state_of(twins.other));
    }
    CHECK(failed > 100);
}

TEST_CASE("a commit that a full disk refuses leaves the journal as it was, and is seen by none after it") {
    Twins twins;
    for (unsigned seed = 1; seed <= 60; ++seed) {
        CAPTURE(seed);
        const std::string before = state_of(twins.one);
        const std::int64_t pages = twins.one.connection().number("PRAGMA page_count").value();
        REQUIRE(twins.one.connection().execute("PRAGMA max_page_count = " + std::to_string(pages)));
        REQUIRE(twins.one.begin());
        Work work(twins.one, 1'000 + seed);
        work.run();
        work.fill();
        REQUIRE_FALSE(twins.one.commit());
        twins.one.rollback();
        REQUIRE(twins.one.connection().execute("PRAGMA max_page_count = 1000000"));
        REQUIRE(state_of(twins.one) == before);
        for (Journal* journal : {&twins.one, &twins.other})
            transaction(*journal, [&] { Work(*journal, seed).run(); });
        REQUIRE(state_of(twins.one) == state_of(twins.other));
    }
}
