// Every single call that the journal makes to its file system, failed in turn, each way that it can fail: an
// error once or for good, no room, half of a write, the power gone with all, some or none of what wasn't
// synced. Whatever fails in a scripted life (an old journal migrated, the catalogue, leases, reports,
// sessions, settling, retention, the reserve, a checkpoint), after it the journal holds what it held before
// that step or what it holds after it; what was acknowledged is there, and repeating all of it counts nothing
// twice. The chain is whole then, and no honest journal is ever suspected by its witness.
#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <sstream>

#include "agent/chain_check.hpp"
#include "agent/journal.hpp"
#include "agent/journal_schema.hpp"
#include "agent/retention.hpp"
#include "platform/sqlite/migrations.hpp"
#include "tests/sim/memory_disk.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/fake_timers.hpp"
#include "tests/support/journal_builders.hpp"

using namespace meterbox;
using agent::Journal;
using sim::FileCall;
using sim::FileFault;
using sim::MemoryDisk;
using tests::journal_noon;

namespace {

constexpr const char* root = "/crash/";
constexpr const char* path = "/crash/journal.db";
constexpr core::UtcTime long_ago = journal_noon + -200 * core::day_ms;

struct Ended {};  // the process

agent::JournalHooks hooks(MemoryDisk& disk) {
    agent::JournalHooks hooks;
    hooks.end = [&disk](platform::sqlite::StorageFault, const core::Error&) {
        disk.lose_process();
        throw Ended();
    };
    hooks.space = [](const auto&) { return agent::DiskSpace{1'024 * 1'024, 1'024 * 1'024}; };
    return hooks;
}

// The session's record is what a restart finds: what is stored already isn't metered again.
void run_session(Journal& journal, std::int64_t mark_ms, bool ends) {
    agent::SessionSlice slice;
    slice.starts = true;
    slice.record.id = "s";
    slice.record.resource = "render";
    if (auto stored = journal.tables().session("s"); stored && *stored) {
        slice.record = **stored;
        slice.starts = false;
    }
    if (slice.record.ended_at) return;
    const std::int64_t ran = mark_ms - slice.record.mark.ms;
    if (ran > 0) slice.parts = {{core::hour_of(journal_noon), core::Amount{ran}}};
    if (ran > 0) slice.record.metered += core::Amount{ran};
    slice.record.mark = core::MonotonicTime{std::max(slice.record.mark.ms, mark_ms)};
    slice.ends = ends;
    if (ends) slice.record.ended_at = journal_noon;
    journal.meter(slice, tests::journal_now());
}

using Step = std::function<void(Journal&)>;

Step report(int first, int count, std::int64_t amount, core::UtcTime when = journal_noon) {
    return [=](Journal& journal) {
        std::vector<agent::JournalEvent> events;
        for (int i = first; i < first + count; ++i) events.push_back(tests::event(i, amount, when));
        (void)journal.report(events, tests::journal_now(when));
    };
}

// Inside a transaction each.
const std::vector<Step>& steps() {
    static const std::vector<Step> all{
        [](Journal& journal) { journal.describe({tests::render()}); },
        [](Journal& journal) {
            journal.take_lease(tests::lease(5), tests::journal_now());
            journal.set_meta("lease_number", "1");
        },
        report(1, 3, 400, long_ago),
        report(4, 1, 700),
        [](Journal& journal) { run_session(journal, 300, false); },
        report(5, 40, 110),
        [](Journal& journal) { run_session(journal, 1'500, false); },
        [](Journal& journal) {
            const agent::CounterReading reading = journal.read_counters(1'000);
            journal.settle(reading.usage_keys, reading.change);
        },
        [](Journal& journal) {
            journal.take_lease(tests::lease(20, 2), tests::journal_now());
            journal.set_meta("lease_number", "2");
        },
        [](Journal& journal) { run_session(journal, 2'000, true); },
        report(60, 2, 900),
    };
    return all;
}

// What counts of a journal, as text. Numbers of commits differ by the starts.
std::string state_of(Journal& journal, MemoryDisk& disk) {
    disk.spare(true);
    std::ostringstream text;
    for (const agent::LedgerView& ledger : journal.ledgers()) {
        text << ledger->metered().value() << " used " << ledger->used().value();
        for (const core::Tranche& tranche : ledger->tranches()) text << " of " << tranche.granted.value();
    }
    for (const char* query :
         {"SELECT count(*) FROM event", "SELECT coalesce(sum(amount), 0) FROM usage",
          "SELECT count(*) FROM usage_pending", "SELECT coalesce(sum(units), 0) FROM unit_hour",
          "SELECT coalesce(sum(metered), 0) FROM session", "SELECT count(ended_at_ms) FROM session",
          "SELECT coalesce(sum(metered), 0) FROM resource", "SELECT coalesce(sum(used), 0) FROM tranche",
          "SELECT coalesce((SELECT value FROM meta WHERE key = 'lease_number'), '-')"}) {
        const auto number = journal.connection().number(query);
        REQUIRE(number);
        text << " " << *number;
    }
    disk.spare(false);
    return text.str();
}

// A journal as the first version left it.
void begin_old(MemoryDisk& disk) {
    disk.spare(true);
    auto connection = platform::sqlite::Connection::open({path, agent::journal_application_id}).value();
    REQUIRE(platform::sqlite::migrate(*connection, agent::journal_migrations().first(1)));
    REQUIRE(connection->execute("INSERT INTO meta VALUES('identity_key', 'of old')"));
    connection.reset();
    disk.spare(false);
}

class Life {
public:
    // states: after each step of a life in which nothing failed, and at its end; empty while that one is
    // lived.
    Life(std::uint64_t seed, std::vector<std::string>& states)
        : disk_(root, sim::Dice(seed)), states_(states) {
        sim::seed_sqlite(1);
        begin_old(disk_);
    }
    MemoryDisk& disk() { return disk_; }

    void live(bool first) {
        first_ = first;
        again([&] { open(); });
        for (done_ = 0; done_ < steps().size(); ++done_) {
            again([&] { store(steps()[done_]); });
            check_after();
        }
        again([&] { sweep(); });
        again([&] { keep_reserve(); });
        again([&] { checkpoint(); });
        stop_failing();
        journal_.reset();
        open();
        check_end();
    }
    bool something_failed() const { return something_failed_; }

private:
    void stop_failing() {
        something_failed_ = something_failed_ || disk_.failed_calls() > 0;
        disk_.fail_call(0, FileFault::none, false);
        disk_.record(nullptr);
    }

    // Until it has worked: a process that ends is followed by another.
    void again(const std::function<void()>& work) {
        for (int attempt = 0; attempt < 10; ++attempt) {
            try {
                work();
                if (disk_.powered()) return;
            } catch (const Ended&) {
            } catch (const std::runtime_error&) {  // can't start
            }
            restart();
        }
        FAIL("it never worked again");
    }

    void restart() {
        journal_.reset();
        disk_.lose_process();
        disk_.power_on();
        try {
            open();
        } catch (const std::runtime_error& why) {
            FAIL("with nothing failing it can't start: " << why.what());
        }
        check_between();
    }

    void open() {
        if (journal_) return;
        journal_ = std::make_unique<Journal>(path, hooks(disk_));
        CHECK_FALSE(journal_->suspicion());
    }

    void store(const Step& step) {
        for (int attempt = 0; attempt < 10; ++attempt) {
            const std::string before = state_of(*journal_, disk_);
            auto stored = journal_->begin();
            if (stored) {
                step(*journal_);
                stored = journal_->commit();
            }
            if (!disk_.powered()) throw Ended();
            if (stored) return;
            journal_->rollback();
            CHECK(state_of(*journal_, disk_) == before);  // refused for want of room: nothing of it is left
            if (attempt == 5) stop_failing();             // there is room again
        }
        FAIL("refused again and again");
    }

    void sweep() {
        tests::FakeClock clock{journal_noon};
        tests::FakeTimers timers{clock};
        agent::AgentTime time{clock, {}};
        time.trusted().anchor(journal_noon, time.read());  // by no other clock is anything forgotten
        boost::asio::io_context loop;
        platform::store::StoreThread store{loop, *journal_, platform::store::Placement::in_place};
        agent::Retention retention{
            timers, time, *journal_, store, {62 * core::day_ms, 100 * core::day_ms}, [](const auto&) {}};
        retention.sweep();
        loop.run();
        if (!disk_.powered()) throw Ended();
    }

    void keep_reserve() {
        (void)journal_->reserve().make();
        journal_->reserve().let_go();
        (void)journal_->reserve().make();
    }

    // One that fails is done by the next start.
    void checkpoint() { (void)journal_->connection().execute("PRAGMA wal_checkpoint(TRUNCATE)"); }

    void check_after() {
        if (first_ && states_.size() == done_) states_.push_back(state_of(*journal_, disk_));
        if (!first_ && done_ < states_.size()) CHECK(state_of(*journal_, disk_) == states_[done_]);
    }

    // After a restart: as it was before the step that failed, or as it is after it.
    void check_between() {
        if (done_ >= steps().size()) return;
        const std::string now = state_of(*journal_, disk_);
        const bool old = done_ == 0 || now == states_[done_ - 1];
        if (!old) CHECK(now == states_[done_]);
    }

    void check_end() {
        disk_.spare(true);
        sweep();
        check_after();
        disk_.spare(true);
        CHECK(journal_->connection().number("SELECT count(*) FROM event").value() == 43);
        CHECK(journal_->connection()
                  .number("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'")
                  .value() == 0);
        CHECK(journal_->meta().at("identity_key") == "of old");
        agent::ChainCheck check(journal_->connection());
        while (check.go_on([] { return false; }).value()) {
        }
        const auto report = check.finish(journal_->chain().head()).value();
        if (report.broken) FAIL("the chain at " << report.broken->sequence << ": " << report.broken->what);
        CHECK(journal_->ledgers().at(0)->metered() ==
              core::Amount{3 * 400 + 700 + 40 * 110 + 2'000 + 2 * 900});
        disk_.spare(false);
    }

    MemoryDisk disk_;
    std::vector<std::string>& states_;
    std::unique_ptr<Journal> journal_;
    std::size_t done_ = 0;
    bool first_ = false;
    bool something_failed_ = false;
};

struct Way {
    const char* name;
    FileFault fault;
    bool lasting;
    std::uint64_t seed;
};
constexpr Way ways[] = {
    {"an error", FileFault::error, false, 1},
    {"an error for good", FileFault::error, true, 1},
    {"no room", FileFault::full, false, 1},
    {"no room for long", FileFault::full, true, 1},
    {"half a write and an error", FileFault::short_error, false, 1},
    {"half a write and no room", FileFault::short_full, false, 1},
    {"power lost", FileFault::power, false, 1},
    {"power lost", FileFault::power, false, 2},
    {"power lost", FileFault::power, false, 3},
};

}  // namespace

TEST_CASE(
    "whatever single call to the disk fails, a step is done or not done, and nothing acknowledged is lost") {
    sim::open_memory_files();
    std::vector<std::string> states;
    std::vector<FileCall> calls;
    {
        Life life(1, states);
        life.disk().record(&calls);
        life.live(true);
    }
    REQUIRE(states.size() == steps().size() + 1);  // and at the end
    REQUIRE(calls.size() > 100);
    std::map<std::string, int> failed;
    for (std::uint64_t number = 1; number <= calls.size(); ++number) {
        for (const Way& way : ways) {
            const bool any = way.fault == FileFault::error || way.fault == FileFault::power;
            if (!any && calls[number - 1] != FileCall::write) continue;
            INFO("call " << number << " of kind " << static_cast<int>(calls[number - 1]) << ": " << way.name);
            Life life(way.seed, states);
            life.disk().fail_call(number, way.fault, way.lasting);
            life.live(false);
            CHECK(life.something_failed());
            ++failed[way.name];
        }
    }
    for (const auto& [name, times] : failed) WARN(times << " lives with " << name);
}
