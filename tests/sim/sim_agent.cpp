#include "tests/sim/sim_agent.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

namespace meterbox::sim {

namespace {

constexpr std::int64_t never_ms = core::day_ms * 365;
const agent::SessionSettings session_settings{core::limits::heartbeat_default_ms,
                                              core::limits::checkpoint_default_ms, 100};
constexpr std::int64_t disk_bytes = 2 * 1024 * 1024;  // as far as a reserve is concerned
agent::RetentionSettings retention_of(const Plan& plan) {
    agent::RetentionSettings settings{62 * core::day_ms, 730 * core::day_ms};
    if (plan.journal_budget_bytes > 0) settings.budget_bytes = plan.journal_budget_bytes;
    if (plan.links_kept > 0) settings.links_kept = plan.links_kept;
    return settings;
}

std::string root_of(std::size_t index) {
    return "/simulated/agent-" + std::to_string(index) + "/";
}

}  // namespace

void SimAgent::Wire::exchange(std::string path, std::string body, Completion done) {
    SimAgent& machine = agent;
    if (!machine.disk_.powered()) return;
    const bool noted = path == "/v1/sync" && !machine.world_.plan.disk_copies.empty();
    machine.network_.send(machine.index_, machine.name_, std::move(path), body,
                          [&machine, run = machine.run_, done = std::move(done),
                           sync = noted ? body : ""](const core::Result<platform::Answer>& answer) {
                              if (machine.run_ != run || !machine.up() || !machine.disk_.powered()) return;
                              if (!sync.empty() && answer && answer->status == 200)
                                  machine.note_acknowledged(sync);
                              done(answer);
                          });
}

SimAgent::Process::Process(SimAgent& agent)
    : timers(agent.clock_),
      journal(root_of(agent.index_) + "journal.db", hooks(agent)),
      time(agent.clock_, agent::clock_record(journal)),
      balances(journal.ledgers(), journal.suspicion()),
      transactions(journal, agent.disk_),
      store(loop, transactions,
            agent.world_.plan.commit_ms > 0 ? platform::store::Placement::by_steps
                                            : platform::store::Placement::in_place),
      clock_keeper(timers, time, journal, store),
      sessions(
          timers, time, journal, store, balances, session_settings,
          [this](core::SyncReason reason) { link.wake(reason); },
          [this](const std::vector<std::string>& resources) { published(resources); }),
      meter(time, journal, store, balances, platform::system::IdentityHasher({}),
            [this](const std::vector<std::string>& resources) { published(resources); }),
      wire(agent),
      link(timers, time, journal, store, balances, sessions, rate, agent.random_, agent.log_,
           agent.world_.plan.sync_interval_ms,
           {[this](const std::vector<std::string>& resources) { published(resources); },
            [this](bool reached) { sessions.answered(reached); },
            [&agent](const agent::Identity& identity) { return agent.followed(identity); },
            [this] { sessions.drain(); }, [this] { return sessions.drained(); }, [this] { meter.close(); }},
           CheapSigner::verify),
      retention(timers, time, journal, store, retention_of(agent.world_.plan),
                [this, &agent](const agent::Forgotten& forgotten) {
                    if (forgotten.events > 0)  // none is old enough
                        agent.world_.tally.saw("acknowledged events gone for the journal's budget");
                    published(balances.publish(journal.take_publications()));
                }),
      storage_watch(timers, journal, store, agent.log_) {
    const core::UtcTime now = time.utc();
    for (const auto& [key, balance] : balances.all()) {
        rate.observe(key, balance.ledger->metered(), now);
        rate.remember(key, journal.usage_of_last_day(key, now).value(), now);
    }
    clock_keeper.start();
    sessions.restore(journal.tables().running_sessions().value());
    agent::Identity identity;
    identity.agent = agent.name_.id;
    identity.team = agent.name_.team;
    identity.key_fingerprint = "key of " + agent.name_.id;
    identity.lease_keys = agent.lease_keys_;
    transactions.on_commit([&agent] {
        ++agent.commits_;
        ++agent.committed_;
        if (agent.disk_.full()) agent.world_.tally.saw("commit on a full disk");
    });
    std::string url = identity.url;
    link.connect(std::move(identity), wire, std::move(url));
    retention.start();
    storage_watch.start();
}

agent::JournalHooks SimAgent::Process::hooks(SimAgent& agent) {
    agent::JournalHooks hooks;
    hooks.end = [&agent](platform::sqlite::StorageFault, const core::Error&) {
        agent.world_.tally.fault("agent: ended by a failing disk");
        agent.disk_failed_ = true;
        agent.disk_.lose_process();
        throw PowerLost();
    };
    hooks.full = [this] { boost::asio::post(loop, [this] { storage_watch.disk_is_full(); }); };
    hooks.space = [&agent](const auto&) { return agent::DiskSpace{disk_bytes, agent.disk_.room()}; };
    return hooks;
}

SimAgent::Process::~Process() {
    link.stop();
    store.abandon();
}

void SimAgent::Process::published(const std::vector<std::string>& resources) {
    sessions.reconsider(resources);
    link.ledgers_changed(resources);
}

core::Result<void> SimAgent::followed(const agent::Identity& identity) {
    const auto known = [this](const core::KnownLeaseKey& key) {
        return std::any_of(lease_keys_.begin(), lease_keys_.end(),
                           [&key](const core::KnownLeaseKey& one) { return one.key.kid == key.key.kid; });
    };
    const auto news = identity.lease_keys.size() -
                      std::count_if(identity.lease_keys.begin(), identity.lease_keys.end(), known);
    if (news > 0) world_.tally.saw("lease key followed");
    if (news > 1) world_.tally.saw("lease keys followed over several at once");
    lease_keys_ = identity.lease_keys;
    return {};
}

SimAgent::SimAgent(World& world, Network& network, std::size_t index, AgentName name)
    : world_(world),
      network_(network),
      index_(index),
      name_(std::move(name)),
      clock_(world_begins),
      random_(world.dice("agent random", static_cast<std::int64_t>(index)).number()),
      dice_(world.dice("agent", static_cast<std::int64_t>(index))),
      disk_(root_of(index), world.dice("agent disk", static_cast<std::int64_t>(index))) {
    if (world.plan.canary == Canary::forgotten_commits) disk_.lie_about_syncs();
}

SimAgent::SimAgent(World& world, Network& network, std::size_t index, const SimAgent& original)
    : SimAgent(world, network, index, original.name_) {
    lease_keys_ = original.lease_keys_;
    copied_ = original.metered_ever();
    disk_.put_back(original.disk_.image_for(disk_));
    clock_.set_wall(world.plan.no_battery ? core::UtcTime{1'000} : world.now());
    boots_ = original.boots_ + 1;
    for (int boot = 1; boot < boots_; ++boot) clock_.reboot(0);
}

void SimAgent::note_acknowledged(const std::string& sync) {
    const auto request = core::wire::sync_request_from_json(sync);
    for (const core::wire::ResourceCounters& said : request->resources) {
        std::int64_t& here = acknowledged_[{said.resource, incarnation()}];
        here = std::max(here, said.metered.value());
        std::int64_t& ever = acknowledged_ever_[said.resource];
        ever = std::max(ever, (process_->journal.former(said.resource) + said.metered).value());
    }
    if (world_.copies_at_work[name_.id] > 0 && !is_copy()) world_.tally.saw("sync while a copy is at work");
}

SimAgent::~SimAgent() {
    ++run_;
}

void SimAgent::start() {
    if (up() || taken_off_) return;
    world_.trace.add(name_.id, "starts");
    disk_.power_on();
    ++run_;
    ++commits_;
    try {
        process_ = std::make_unique<Process>(*this);
    } catch (const std::runtime_error& why) {
        require(disk_.full(), name_.id + " starts: " + why.what());
        world_.tally.fault("agent: can't start");
        disk_.lose_process();
        world_.schedule.after(60'000, [this] { start(); });
        return;
    }
    const auto& suspicion = process_->journal.suspicion();  // kept while it waits for the operator
    require(!suspicion || suspicion->detail.starts_with("fenced"),
            name_.id + "'s own journal is not suspected: " + (suspicion ? suspicion->detail : ""));
}

void SimAgent::advance(std::int64_t ms) {
    if (suspended_) {
        clock_.suspend(ms);
    } else {
        clock_.advance(ms);
    }
}

std::int64_t SimAgent::next_in_ms() const {
    if (!answers()) return never_ms;
    return process_->timers.next_in_ms().value_or(never_ms);
}

void SimAgent::run_due() {
    if (!answers()) return;
    try {
        do {
            process_->loop.restart();
            while (process_->loop.poll_one() > 0)
                if (!disk_.powered()) throw PowerLost();
        } while (process_->timers.fire_next());
    } catch (const PowerLost&) {
        return fall(true);
    }
    if (!disk_.powered()) return fall(true);
    plan_step();
}

// A disk takes its time, and meanwhile everything else goes on.
void SimAgent::plan_step() {
    if (!process_->store.has_step() || std::exchange(process_->step_planned, true)) return;
    world_.schedule.after(dice_.between(0, world_.plan.commit_ms), [this, run = run_] { take_step(run); });
}

void SimAgent::take_step(std::uint64_t run) {
    if (run != run_ || !up()) return;
    if (suspended_) {
        world_.schedule.after(1'000, [this, run] { take_step(run); });
        return;
    }
    process_->step_planned = false;
    if (call([this] { process_->store.step(); }) && run == run_ && up()) run_due();
}

// A power loss takes the boot with it; a process that is killed leaves it.
void SimAgent::fall(bool reboots) {
    if (std::exchange(disk_failed_, false)) reboots = false;
    world_.trace.add(name_.id, reboots ? "loses its power" : "ends");
    disk_.lose_power();
    ++run_;
    ++commits_;
    process_.reset();
    // A machine that boots has been up for a second when its agent starts.
    const std::int64_t away = dice_.spread(500, 3'600'000) + (reboots ? 1'000 : 0);
    world_.schedule.after(away, [this, reboots] {
        if (reboots) {
            clock_.reboot(0);
            ++boots_;
            if (world_.plan.no_battery) {
                world_.tally.fault("agent: booted without a clock");
                clock_.set_wall({1'000});
            }
        }
        start();
    });
}

std::map<std::string, std::int64_t> SimAgent::metered_ever() const {
    std::map<std::string, std::int64_t> metered;
    for (const agent::LedgerView& ledger : ledgers()) {
        const std::string& key = ledger->resource().key;
        metered[key] = (process_->journal.former(key) + ledger->metered()).value();
    }
    return metered;
}

core::Enforcement SimAgent::mode_of(const std::string& resource) const {
    const auto found = balances().all().find(resource);
    return found == balances().all().end() ? core::Enforcement::hard
                                           : found->second.ledger->resource().enforcement;
}

bool SimAgent::out_of_reach(const std::string& resource) const {
    const auto found = balances().all().find(resource);
    return found != balances().all().end() && !found->second.supply.reachable;
}

std::int64_t SimAgent::journaled(const char* sql, const std::string& value) {
    auto found = process_->asked.find(sql);
    if (found == process_->asked.end())
        found = process_->asked.emplace(sql, process_->journal.connection().prepare(sql).value()).first;
    auto rows = found->second.query(value);
    return rows.next().value() ? rows.integer(0) : 0;
}

std::map<std::string, std::int64_t> SimAgent::metered_sessions() {
    std::map<std::string, std::int64_t> sessions;
    auto statement = process_->journal.connection().prepare("SELECT id, metered FROM session").value();
    auto rows = statement.query();
    while (rows.next().value()) sessions[rows.string(0)] = rows.integer(1);
    return sessions;
}

std::map<std::string, std::int64_t> SimAgent::journaled_events(const std::string& resource) {
    std::map<std::string, std::int64_t> events;
    auto statement = process_->journal.connection()
                         .prepare(
                             "SELECT e.id, e.amount FROM event e JOIN resource r ON r.id = e.resource "
                             "WHERE r.key = ?")
                         .value();
    auto rows = statement.query(resource);
    while (rows.next().value()) events[rows.string(0)] = rows.integer(1);
    return events;
}

}  // namespace meterbox::sim
