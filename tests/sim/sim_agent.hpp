// An agent's machine: clocks that can be turned, a disk that loses, and on it the real journal, ledgers,
// sessions, retention and account link, wired as the daemon wires them, without its sockets. Products call
// it as through its socket; whoever waits when it falls hears nothing.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/account_link.hpp"
#include "agent/clock_keeper.hpp"
#include "agent/meter.hpp"
#include "agent/retention.hpp"
#include "agent/sessions.hpp"
#include "agent/storage_watch.hpp"
#include "tests/sim/memory_disk.hpp"
#include "tests/sim/network.hpp"
#include "tests/sim/power.hpp"
#include "tests/sim/world.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/fake_timers.hpp"

namespace meterbox::sim {

class SimAgent final : public Machine {
public:
    SimAgent(World& world, Network& network, std::size_t index, AgentName name);
    // Another machine, booted now, with a copy of that one's disk: its identity, journal and witness.
    // Requires original.up().
    SimAgent(World& world, Network& network, std::size_t index, const SimAgent& original);
    ~SimAgent() override;

    void advance(std::int64_t ms) override;
    std::int64_t next_in_ms() const override;
    void run_due() override;

    // Products. Nothing is answered when it falls meanwhile; false: nobody listens.
    bool report(std::vector<core::UsageEvent> events, agent::Meter::Done done);
    bool open(const agent::SessionOrder& order, agent::Sessions::Opened done);
    bool heartbeat(const std::string& session, agent::Sessions::Shown done);
    bool end(const std::string& session, agent::Sessions::Shown done, std::optional<core::Amount> ran);
    bool show(const std::string& session, agent::Sessions::Shown done);
    bool disconnect(const std::string& session);  // the connection that kept it is gone

    void start();
    void begin_faults();
    void heal();
    void boot();      // with its agent
    void take_off();  // ended for good

    bool up() const { return process_ != nullptr; }
    bool answers() const { return up() && !suspended_; }
    bool suspended() const { return suspended_; }
    bool powered() const { return disk_.powered(); }
    const AgentName& name() const { return name_; }
    const tests::FakeClock& clock() const { return clock_; }
    std::uint64_t commits() const { return commits_; }  // and starts and ends
    std::uint64_t committed() const { return committed_; }
    std::uint64_t run() const { return run_; }  // changes whenever it starts or falls
    int boots() const { return boots_; }

    // It was told to retire, and knows it. Requires up().
    bool retiring() const { return link().retiring() != agent::AccountLink::Retiring::no; }
    bool sealed() const { return link().retiring() >= agent::AccountLink::Retiring::sealed; }
    int syncs_awaited() const { return process_->syncs_awaited; }
    bool retired() const { return link().retiring() == agent::AccountLink::Retiring::retired; }

    // Its disk was put back from a copy.
    int restores() const { return restores_; }
    // And with it what was committed then.
    bool lost(core::UtcTime committed) const;
    std::int64_t incarnation() const { return process_->journal.incarnation(); }
    // And nothing was settled with the account since.
    bool put_back() const { return put_back_; }
    void note_sync() { put_back_ = put_back_ && link().syncs() == 0; }
    // All that was ever metered, by resource, when each copy was made that was put back.
    const std::vector<std::map<std::string, std::int64_t>>& copies() const { return copies_; }
    std::map<std::string, std::int64_t> metered_ever() const;

    // It is a copy, and what had been metered when it was made.
    bool is_copy() const { return copied_.has_value(); }
    const std::map<std::string, std::int64_t>& copied() const { return *copied_; }
    bool taken_off() const { return taken_off_; }
    // Of what it said in a sync that was answered: M, by resource and incarnation; and all that was ever
    // metered.
    using Said = std::map<std::pair<std::string, std::int64_t>, std::int64_t>;
    const Said& acknowledged() const { return acknowledged_; }
    const std::map<std::string, std::int64_t>& acknowledged_ever() const { return acknowledged_ever_; }

    // What runs. Requires up().
    const agent::Balances& balances() const { return process_->balances; }
    agent::Sessions& sessions() { return process_->sessions; }
    agent::Journal& journal() { return process_->journal; }
    const agent::Journal& journal() const { return process_->journal; }
    core::Enforcement mode_of(const std::string& resource) const;  // hard: it doesn't know it yet
    // Its account, as its last exchange told. Requires up().
    bool out_of_reach(const std::string& resource) const;
    const agent::AccountLink& link() const { return process_->link; }
    const agent::AgentTime& time() const { return process_->time; }
    // A number out of the journal.
    std::int64_t journaled(const char* sql, const std::string& value);
    std::map<std::string, std::int64_t> metered_sessions();                             // by id, as stored
    std::map<std::string, std::int64_t> journaled_events(const std::string& resource);  // amounts by id
    std::vector<agent::LedgerView> ledgers() const { return process_->journal.ledgers(); }

private:
    // One request at a time, answered once, by way of the network.
    struct Wire final : public platform::Transport {
        explicit Wire(SimAgent& of) : agent(of) {}
        void exchange(std::string path, std::string body, Completion done) override;
        SimAgent& agent;
    };
    struct Process {
        explicit Process(SimAgent& agent);
        ~Process();
        void published(const std::vector<std::string>& resources);
        agent::JournalHooks hooks(SimAgent& agent);

        int syncs_awaited = 0;
        bool step_planned = false;  // of a store that takes its time
        boost::asio::io_context loop{1};
        tests::FakeTimers timers;
        agent::Journal journal;
        std::map<std::string, platform::sqlite::Statement>
            asked;  // of the journal, from outside: by their text
        agent::AgentTime time;
        agent::Balances balances;
        PoweredTransactions transactions;
        platform::store::StoreThread store;
        agent::ClockKeeper clock_keeper;
        agent::UsageRate rate;
        agent::Sessions sessions;
        agent::Meter meter;
        Wire wire;
        agent::AccountLink link;
        agent::Retention retention;
        agent::StorageWatch storage_watch;
    };

    core::Result<void> followed(const agent::Identity& identity);
    void fall(bool reboots);
    void plan_step();
    void take_step(std::uint64_t run);
    void stop_and_start();
    void crash_soon();
    void next_crash();
    void next_full_disk();
    void next_turn_of_clock();
    void next_suspend();
    void next_copy();
    void retire_until_done();
    void ask_for_sync();
    bool may_fail() const { return world_.faults && !taken_off_; }
    void note_acknowledged(const std::string& sync);
    void put_disk_back(const MemoryDisk::Image& image, const std::map<std::string, std::int64_t>& metered,
                       core::UtcTime copied_at);
    // From a product: what it calls runs in a turn of the loop of its own.
    template <class Work>
    bool call(Work work) {
        if (!answers()) return false;
        try {
            work();
        } catch (const PowerLost&) {
            fall(true);
        }
        return true;
    }
    template <class Answer>
    auto while_running(Answer answer);

    World& world_;
    Network& network_;
    std::size_t index_;
    AgentName name_;
    tests::FakeClock clock_;
    tests::SeededRandom random_;
    platform::system::Log log_{platform::system::LogLevel::error};
    Dice dice_;
    MemoryDisk disk_;
    std::unique_ptr<Process> process_;
    std::uint64_t commits_ = 0;
    std::uint64_t committed_ = 0;
    std::uint64_t run_ = 0;
    int boots_ = 1;
    // What lies in a file of its own beside the journal, whole or not at all.
    core::LeaseKeyLine lease_keys_{{CheapSigner::key(CheapSigner::first), std::nullopt}};
    bool suspended_ = false;
    int restores_ = 0;
    std::vector<std::pair<core::UtcTime, core::UtcTime>> lost_;  // from each copy to when it was put back
    std::optional<std::uint64_t> told_to_retire_;                // in which run first
    bool put_back_ = false;
    std::vector<std::map<std::string, std::int64_t>> copies_;
    bool disk_failed_ = false;  // it ends for that
    std::optional<std::map<std::string, std::int64_t>> copied_;
    bool taken_off_ = false;
    Said acknowledged_;
    std::map<std::string, std::int64_t> acknowledged_ever_;
};

}  // namespace meterbox::sim
