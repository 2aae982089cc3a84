// Sessions of one resource on a real journal whose commits fail when told to, and on clocks that stand
// still until they are moved.
#pragma once

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/sessions.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/fake_timers.hpp"
#include "tests/support/faulty_transactions.hpp"
#include "tests/support/temporary_folder.hpp"

namespace meterbox::tests {

inline constexpr core::UtcTime noon{1'800'000'000'000};
inline constexpr std::uint32_t uid = 1'000;

inline core::Resource render(core::Enforcement enforcement) {
    core::Resource resource;
    resource.key = "render";
    resource.name = "Render";
    resource.unit_size = core::Amount{1'000};
    resource.enforcement = enforcement;
    return resource;
}

inline std::unique_ptr<agent::Journal> journal_in(const TemporaryFolder& folder,
                                                  core::Enforcement enforcement) {
    auto journal = std::make_unique<agent::Journal>(folder / "journal.db");
    REQUIRE(journal->begin());
    journal->describe({render(enforcement)});
    REQUIRE(journal->commit());
    journal->take_publications();
    return journal;
}

struct SessionsFixture {
    TemporaryFolder folder;
    FakeClock clock{noon};
    std::unique_ptr<agent::Journal> journal;
    FaultyTransactions transactions;
    agent::AgentTime time{clock, {}};
    boost::asio::io_context loop;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{loop.get_executor()};
    FakeTimers timers{clock};
    platform::store::StoreThread store;
    agent::Balances balances;
    int asked = 0;
    std::vector<core::Units> completed;  // as each publication left it
    agent::Sessions sessions;

    explicit SessionsFixture(
        core::Enforcement enforcement = core::Enforcement::hard,
        platform::store::Placement placement = platform::store::Placement::where_quickest)
        : journal(journal_in(folder, enforcement)),
          transactions(journal.get()),
          store(loop, transactions, placement),
          balances(journal->ledgers()),
          sessions(
              timers, time, *journal, store, balances, {30'000, 5'000, 100},
              [this](core::SyncReason) { ++asked; },
              [this](const std::vector<std::string>& resources) { published(resources); }) {
        time.trusted().anchor(noon, time.read());  // without trusted time nothing begins
        balances.find("render")->supply.reachable = true;
    }
    ~SessionsFixture() {
        transactions.let_go();
        store.stop();
    }

    void published(const std::vector<std::string>& resources) {
        sessions.reconsider(resources);
        if (!resources.empty()) completed.push_back(balances.find("render")->ledger->completed());
    }
    void lease(std::int64_t units, core::UtcTime from = noon + -core::day_ms,
               std::optional<core::UtcTime> ends_at = {}) {
        core::LeaseTranche tranche;
        tranche.tranche = "t1";
        tranche.granted = core::Units{units};
        tranche.valid_from = from;
        tranche.ends_at = ends_at;
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
    void set_mode(core::Enforcement enforcement) {
        REQUIRE(journal->begin());
        journal->describe({render(enforcement)}, time.mode_moment());
        REQUIRE(journal->commit());
        sessions.reconsider(balances.publish(journal->take_publications()));
    }
    void open(const std::string& id, std::vector<core::Result<agent::OpenedSession>>& answers) {
        agent::SessionOrder order;
        order.id = id;
        order.resource = "render";
        order.uid = uid;
        sessions.open(order, [&answers](const auto& answer) { answers.push_back(answer); });
    }
    void report(std::int64_t amount, const std::string& id = "1") {
        agent::JournalEvent event;
        event.event.source = "/test";
        event.event.id = id;
        event.event.type = "render";
        event.event.amount = core::Amount{amount};
        event.identity.bytes[0] = static_cast<std::byte>(id[0]);
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

}  // namespace meterbox::tests
