#include "tests/sim/sim_agent.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

namespace meterbox::sim {

namespace {

constexpr std::int64_t never_ms = core::day_ms * 365;
constexpr std::uint32_t uid = 1'000;
const agent::SessionSettings session_settings{core::limits::heartbeat_default_ms,
                                              core::limits::checkpoint_default_ms, 100};
constexpr std::int64_t disk_bytes = 2 * 1024 * 1024;  // as far as a reserve is concerned
const agent::RetentionSettings retention_settings{62 * core::day_ms, 730 * core::day_ms};

std::string root_of(std::size_t index) {
    return "/simulated/agent-" + std::to_string(index) + "/";
}

}  // namespace

void SimAgent::Wire::exchange(std::string path, std::string body, Completion done) {
    SimAgent& machine = agent;
    if (!machine.disk_.powered()) return;
    machine.network_.send(
        machine.index_, machine.name_, std::move(path), std::move(body),
        [&machine, run = machine.run_, done = std::move(done)](const core::Result<platform::Answer>& answer) {
            if (machine.run_ == run && machine.up() && machine.disk_.powered()) done(answer);
        });
}

SimAgent::Process::Process(SimAgent& agent)
    : timers(agent.clock_),
      journal(root_of(agent.index_) + "journal.db", hooks(agent)),
      time(agent.clock_, agent::clock_record(journal)),
      balances(journal.ledgers(), journal.suspicion().has_value()),
      transactions(journal, agent.disk_),
      store(loop, transactions, platform::store::Placement::in_place),
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
      retention(
          timers, time, journal, store, retention_settings,
          [this](const agent::Forgotten&) { published(balances.publish(journal.take_publications())); }),
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
    store.stop();
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

SimAgent::~SimAgent() {
    ++run_;
}

void SimAgent::start() {
    if (up()) return;
    world_.trace.add(name_.id, "starts");
    disk_.power_on();
    ++run_;
    ++commits_;
    try {
        process_ = std::make_unique<Process>(*this);
        const auto& suspicion = process_->journal.suspicion();  // kept while it waits for the operator
        require(!suspicion || suspicion->detail.starts_with("fenced"),
                name_.id + "'s own journal is not suspected");
    } catch (const std::runtime_error& why) {
        require(disk_.full(), name_.id + " starts: " + why.what());
        world_.tally.fault("agent: can't start");
        disk_.lose_process();
        world_.schedule.after(60'000, [this] { start(); });
    }
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
    if (!disk_.powered()) fall(true);
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

void SimAgent::stop_and_start() {
    world_.tally.fault("agent: stopped and started");
    process_->sessions.shut_down();
    process_->link.stop();
    process_->retention.stop();
    process_->clock_keeper.stop();
    process_->storage_watch.stop();
    process_->store.stop();
    disk_.lose_process();
    fall(false);
}

void SimAgent::crash_soon() {
    if (!answers()) return;
    try {
        switch (dice_.between(0, 5)) {
            case 0:
                world_.tally.fault("agent: power lost while it writes");
                disk_.lose_power_after(dice_.between(0, 12));
                return;
            case 1:
                world_.tally.fault("agent: crash between commit and answer");
                world_.tally.saw("commit without an answer: agent");
                process_->transactions.lose_after_commit();
                return;
            case 2:
                world_.tally.fault("agent: killed");
                disk_.lose_process();
                return fall(false);
            case 3:
                return stop_and_start();
            case 4:  // counted where it takes effect
                process_->transactions.fail_in_commit(static_cast<std::uint64_t>(dice_.between(1, 12)));
                return;
            default:
                world_.tally.fault("agent: power lost");
                return fall(true);
        }
    } catch (const PowerLost&) {
        fall(true);
    }
}

void SimAgent::begin_faults() {
    next_crash();
    next_full_disk();
    next_turn_of_clock();
    next_suspend();
    next_copy();
    const std::int64_t after = world_.plan.retire_after[index_];
    if (after > 0) world_.schedule.after(after, [this] { retire_until_done(); });
}

// As whoever runs the machine does: asks again until it is done. A disk of before isn't put back from then
// on.
void SimAgent::retire_until_done() {
    if (answers()) {
        if (!told_to_retire_) told_to_retire_ = run_;
        if (retired()) {
            world_.tally.saw("agent retired");
            if (*told_to_retire_ != run_) world_.tally.saw("agent retired across a restart");
            return;
        }
        call([this] { process_->link.retire([](const core::Result<void>&) {}); });
    }
    world_.schedule.after(dice_.between(1, 20) * core::minute_ms, [this] { retire_until_done(); });
}

void SimAgent::next_crash() {
    if (world_.plan.agent_crash_every == 0) return;
    world_.schedule.after(dice_.between(1, 2 * world_.plan.agent_crash_every), [this] {
        if (!world_.faults) return;
        crash_soon();
        next_crash();
    });
}

void SimAgent::next_full_disk() {
    if (world_.plan.disk_full_every == 0) return;
    world_.schedule.after(dice_.between(1, 2 * world_.plan.disk_full_every), [this] {
        if (!world_.faults) return;
        world_.tally.fault("agent: disk full");
        disk_.set_full(true);
        world_.schedule.after(dice_.spread(1'000, core::hour_ms), [this] {
            disk_.set_full(false);
            next_full_disk();
        });
    });
}

void SimAgent::next_turn_of_clock() {
    if (world_.plan.clock_turn_every == 0) return;
    world_.schedule.after(dice_.between(1, 2 * world_.plan.clock_turn_every), [this] {
        if (!world_.faults) return;
        world_.tally.fault("agent: wall clock turned");
        const std::int64_t far = dice_.spread(1'000, 400 * core::day_ms);
        clock_.set_wall(dice_.chance(300) ? world_.now() : world_.now() + (dice_.chance(500) ? far : -far));
        next_turn_of_clock();
    });
}

void SimAgent::next_suspend() {
    if (world_.plan.suspend_every == 0) return;
    world_.schedule.after(dice_.between(1, 2 * world_.plan.suspend_every), [this] {
        if (!world_.faults) return;
        if (!answers()) return next_suspend();
        world_.tally.fault("agent: suspended");
        suspended_ = true;
        world_.schedule.after(dice_.spread(1'000, 8 * core::hour_ms), [this] {
            suspended_ = false;
            next_suspend();
        });
    });
}

void SimAgent::next_copy() {
    if (world_.plan.disk_copied_every == 0) return;
    world_.schedule.after(dice_.between(1, 2 * world_.plan.disk_copied_every), [this] {
        if (!world_.faults) return;
        if (!answers() || !disk_.powered()) return next_copy();
        world_.schedule.after(dice_.spread(1'000, core::day_ms),
                              [this, image = disk_.image(), metered = metered_ever()] {
                                  if (world_.faults) put_disk_back(image, metered);
                                  next_copy();
                              });
    });
}

// As from a backup: the machine is off meanwhile, and what ran in it since is gone.
void SimAgent::put_disk_back(const MemoryDisk::Image& image,
                             const std::map<std::string, std::int64_t>& metered) {
    if (suspended_ || disk_.full() || told_to_retire_) return;
    world_.tally.fault("agent: disk put back from a copy");
    ++restores_;
    put_back_ = true;
    copies_.push_back(metered);
    if (up()) fall(true);
    disk_.put_back(image);
}

std::map<std::string, std::int64_t> SimAgent::metered_ever() const {
    std::map<std::string, std::int64_t> metered;
    for (const agent::LedgerView& ledger : ledgers()) {
        const std::string& key = ledger->resource().key;
        metered[key] = (process_->journal.former(key) + ledger->metered()).value();
    }
    return metered;
}

void SimAgent::heal() {
    suspended_ = false;
    disk_.set_full(false);
    clock_.set_wall(world_.now());
}

core::Enforcement SimAgent::mode_of(const std::string& resource) const {
    const auto found = balances().all().find(resource);
    return found == balances().all().end() ? core::Enforcement::hard
                                           : found->second.ledger->resource().enforcement;
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

// From a product: what it calls runs in a turn of the loop of its own.
template <class Work>
bool SimAgent::call(Work work) {
    if (!answers()) return false;
    try {
        work();
    } catch (const PowerLost&) {
        fall(true);
    }
    return true;
}

template <class Answer>
auto SimAgent::while_running(Answer answer) {
    return [this, run = run_, answer = std::move(answer)](const auto& outcome) {
        if (run == run_ && disk_.powered()) answer(outcome);
    };
}

bool SimAgent::report(std::vector<core::UsageEvent> events, agent::Meter::Done done) {
    return call([&] {
        if (world_.plan.canary == Canary::early_answer) {
            done(agent::ReportOutcome{static_cast<std::int64_t>(events.size()), 0});
            done = [](const auto&) {};
        }
        process_->meter.report(std::move(events), uid, while_running(std::move(done)));
    });
}

bool SimAgent::open(const agent::SessionOrder& order, agent::Sessions::Opened done) {
    return call([&] {
        if (process_->balances.find(order.resource) == nullptr)
            return done(core::Error{core::ErrorCode::invalid, "no such resource", {}, {}});
        agent::SessionOrder asked = order;
        asked.uid = uid;
        process_->sessions.open(asked, while_running(std::move(done)));
    });
}

bool SimAgent::heartbeat(const std::string& session, agent::Sessions::Shown done) {
    return call([&] { process_->sessions.heartbeat(session, uid, while_running(std::move(done))); });
}
bool SimAgent::end(const std::string& session, agent::Sessions::Shown done, std::optional<core::Amount> ran) {
    return call([&] { process_->sessions.end(session, uid, while_running(std::move(done)), ran); });
}
bool SimAgent::show(const std::string& session, agent::Sessions::Shown done) {
    return call([&] { process_->sessions.show(session, while_running(std::move(done))); });
}
bool SimAgent::disconnect(const std::string& session) {
    return call([&] {
        std::weak_ptr<platform::http::Conversation> gone;
        process_->sessions.attach(session,
                                  std::make_shared<platform::http::EventStream>(gone, process_->loop));
    });
}

}  // namespace meterbox::sim
