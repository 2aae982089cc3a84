#include "tests/sim/sim_account.hpp"

#include <utility>

#include "account/command_line.hpp"
#include "account/lease_keys.hpp"
#include "account/retirement.hpp"
#include "account/standing.hpp"
#include "agent/journal_job.hpp"
#include "core/lease_keys.hpp"

namespace meterbox::sim {

namespace {

constexpr std::string_view signature_mark = ".signed.";

std::uint64_t sum_of(std::string_view claims) {
    std::uint64_t sum = 0x51a7e5ea1ed5ecu;
    for (const char letter : claims) sum = (sum ^ static_cast<unsigned char>(letter)) * 0x100000001b3u;
    return sum;
}

platform::Answer problem(const core::Error& error) {
    return {core::traits(error.code).http_status, core::problem_json(error)};
}

template <class Reply>
platform::Answer answer_of(const core::Result<Reply>& reply) {
    if (!reply) return problem(reply.error());
    return {200, core::wire::to_json(*reply)};
}

}  // namespace

core::Result<std::string> CheapSigner::sign(std::string_view claims) const {
    const std::string named = std::string(claims) + std::string(signature_mark) + kid_ + '.';
    return named + std::to_string(sum_of(named));
}

core::Result<std::string> CheapSigner::claims_of(std::string_view lease,
                                                 const std::vector<core::wire::LeaseKey>& known) const {
    std::vector<platform::tls::VerificationKey> keys;
    for (const core::wire::LeaseKey& key : known) keys.push_back({key.kid, key.x, key.y});
    return verify(lease, keys);
}

core::Result<std::string> CheapSigner::verify(std::string_view lease,
                                              std::span<const platform::tls::VerificationKey> known) {
    const core::Error refused{core::ErrorCode::forbidden, "the signature doesn't fit", {}, {}};
    const std::size_t mark = lease.rfind(signature_mark);
    if (mark == std::string_view::npos) return refused;
    const std::size_t dot = lease.rfind('.') + 1;
    const std::size_t kid_at = mark + signature_mark.size();
    if (dot <= kid_at || lease.substr(dot) != std::to_string(sum_of(lease.substr(0, dot)))) return refused;
    const std::string_view kid = lease.substr(kid_at, dot - 1 - kid_at);
    for (const platform::tls::VerificationKey& key : known)
        if (key.kid == kid) return std::string(lease.substr(0, mark));
    return refused;
}

core::wire::LeaseKey CheapSigner::key(const std::string& kid) {
    return {kid, std::string(43, 'x'), std::string(43, 'y')};
}

SimAccount::SimAccount(World& world, const std::filesystem::path& keys)
    : world_(world),
      keys_(keys),
      disk_((keys / "account.db").string(), world.dice("account disk")),
      clock_(world_begins),
      random_(world.dice("account random").number()),
      dice_(world.dice("account")) {
    if (world.plan.canary == Canary::forgotten_commits) disk_.lie_about_syncs();
    start();
}

SimAccount::~SimAccount() = default;

void SimAccount::start() {
    world_.trace.add("account", "starts");
    disk_.power_on();
    auto process = std::make_unique<Process>();
    auto opened = account::Store::open(keys_, clock_, random_);
    require(opened.has_value(), "the account's store opens: " + (opened ? "" : opened.error().detail));
    process->store = std::move(*opened);
    process->real = std::make_unique<platform::sql::ConnectionTransactions>(process->store->connection());
    process->transactions = std::make_unique<PoweredTransactions>(*process->real, disk_);
    process->transactions->on_commit([this] { ++commits_; });
    process->thread = std::make_unique<platform::store::StoreThread>(process->loop, *process->transactions,
                                                                     platform::store::Placement::in_place);
    process_ = std::move(process);
    name_first_key();
    begin_to_serve();
    signer_.use(account::lease_key_rows(store().database()).front().kid);
    ++run_;
    ++commits_;
}

// The store's own first key is another in each process: here it has a name, so that a seed is a seed.
void SimAccount::name_first_key() {
    if (std::exchange(named_first_key_, true)) return;
    const core::wire::LeaseKey key = CheapSigner::key(CheapSigner::first);
    account::Database& database = store().database();
    require(process_->transactions->begin().has_value(), "the first key is named");
    database.run("UPDATE lease_key SET kid = ?, x = ?, y = ?", key.kid, key.x, key.y);
    require(!database.failed() && process_->transactions->commit().has_value(), "the first key is named");
}

void SimAccount::change(const std::function<void(account::Database&)>& work) {
    account::Database& database = store().database();
    try {
        require(process_->transactions->begin().has_value(), "a change begins");
        work(database);
        require(!database.failed() && process_->transactions->commit().has_value(), "a change is committed");
    } catch (const PowerLost&) {
        fall();
    }
}

void SimAccount::roll_lease_key() {
    account::Database& database = store().database();
    const std::string name = "key-" + std::to_string(account::lease_key_rows(database).size() + 1);
    core::wire::LeaseKey next = CheapSigner::key(name);
    next.vouched = signer_.sign(core::succession_to_json(next, now())).value();
    world_.trace.add("account", "signs with " + name);
    try {
        require(process_->transactions->begin().has_value(), "a roll begins");
        account::add_lease_key(database, next, now());
        require(!database.failed() && process_->transactions->commit().has_value(), "a roll is committed");
        signer_.use(name);
    } catch (const PowerLost&) {
        fall();
    }
}

void SimAccount::fall() {
    world_.trace.add("account", "falls");
    disk_.lose_power();
    ++run_;
    process_.reset();
    restart_after(dice_.spread(1'000, 600'000));
}

void SimAccount::restart_after(std::int64_t ms) {
    world_.schedule.after(ms, [this] {
        if (!up()) start();
    });
}

void SimAccount::begin_faults() {
    next_copy();
    begin_crashes();
}

void SimAccount::begin_crashes() {
    if (world_.plan.account_crash_every == 0) return;
    world_.schedule.after(dice_.between(1, 2 * world_.plan.account_crash_every), [this] {
        if (!world_.faults) return;
        crash_soon();
        begin_crashes();
    });
}

void SimAccount::crash_soon() {
    if (!up()) return;
    switch (dice_.between(0, 3)) {
        case 0:  // in the middle of whatever it writes next
            world_.tally.fault("account: power lost while it writes");
            disk_.lose_power_after(dice_.between(0, 20));
            return;
        case 1:
            world_.tally.fault("account: crash between commit and answer");
            world_.tally.saw("commit without an answer: account");
            process_->transactions->lose_after_commit();
            return;
        case 2:
            world_.tally.fault("account: killed");
            disk_.lose_process();
            return fall();
        default:
            world_.tally.fault("account: power lost");
            return fall();
    }
}

// What was to fail the next time that it writes doesn't any more.
void SimAccount::heal() {
    disk_.lose_no_power();
    if (up()) process_->transactions->lose_nothing();
}

void SimAccount::run_due() {
    if (!up()) return;
    try {
        process_->loop.restart();
        process_->loop.poll();
    } catch (const PowerLost&) {
        return fall();
    }
    if (!disk_.powered()) fall();
}

platform::Answer SimAccount::answer(const std::string& path, const std::string& body, const AgentName& from) {
    account::Store& store = *process_->store;
    const bool retires = path == "/v1/retire";
    const account::Admission admission =
        account::admit(store.database(), "certificate of " + from.id,
                       retires ? account::Purpose::retire : account::Purpose::exchange, store.now());
    if (const auto* refused = std::get_if<core::wire::Refusal>(&admission))
        return {core::traits(refused->error.code).http_status, core::wire::refusal_json(*refused)};
    const account::Agent& agent = std::get<account::Agent>(admission);
    account::Settings settings = store.settings();
    settings.offline_horizon_ms = world_.plan.offline_horizon_ms;
    const account::Exchange exchange{store.database(), signer_, settings,
                                     store.now(),      nullptr, &store.kept_pool()};
    if (path == "/v1/hello") {
        const auto request = core::wire::hello_request_from_json(body);
        if (!request) return problem(request.error());
        const std::string session = platform::system::random_hex(random_);
        return answer_of(account::hello(exchange, agent, *request, session));
    }
    if (retires) {
        const auto request = core::wire::retire_request_from_json(body);
        if (!request) return problem(request.error());
        return answer_of(account::retire(exchange, agent, *request, platform::system::random_hex(random_)));
    }
    auto request = core::wire::sync_request_from_json(body);
    if (!request) return problem(request.error());
    count_old_request(*request);
    if (world_.plan.canary == Canary::booked_twice) {  // what a repeated request says is booked as news
        request->request_number = ++renumbered_;
        for (core::wire::ResourceCounters& counters : request->resources)
            for (core::wire::TrancheCounters& tranche : counters.tranches)
                if (tranche.used > core::Units{}) tranche.used += core::Units{1};
    }
    const auto reply = account::sync(exchange, agent, *request);
    if (reply) check_left_behind(agent, *request);
    return answer_of(reply);
}

void SimAccount::count_old_request(const core::wire::SyncRequest& request) {
    std::int64_t& newest = newest_request_[request.session];
    if (request.request_number < newest) world_.tally.saw("counters of an older request");
    newest = std::max(newest, request.request_number);
}

bool SimAccount::handle(const std::string& path, const std::string& body, const AgentName& from,
                        Reply reply) {
    if (!up()) return false;
    process_->thread->submit(agent::journal_job(
        [this, path, body, from]() -> core::Result<platform::Answer> {
            return account::in_savepoint(
                process_->store->database(),
                [&]() -> core::Result<platform::Answer> { return answer(path, body, from); });
        },
        [run = run_, this, reply = std::move(reply)](const core::Result<void>& committed,
                                                     std::optional<core::Result<platform::Answer>> made) {
            if (run != run_) return;  // nobody is there any more to say it
            if (!committed) return reply(problem(committed.error()));
            reply(*made ? **made : problem(made->error()));
        }));
    return true;
}

std::string SimAccount::command(const std::vector<std::string>& arguments) {
    const account::CommandLine line = account::parse_command_line(arguments);
    require(!line.done, "the operator's words are understood: " + (line.done ? line.done->err : ""));
    try {
        require(process_->transactions->begin().has_value(), "an operator's command begins");
        const auto outcome = account::in_savepoint(
            process_->store->database(),
            [&]() -> core::Result<account::Outcome> { return line.command(*process_->store); });
        require(process_->transactions->commit().has_value(), "an operator's command is committed");
        require(outcome.has_value() && outcome->exit == account::exit_done,
                "an operator's command is done: " + (outcome ? outcome->err : outcome.error().detail));
        return outcome->out;
    } catch (const PowerLost&) {
        fall();
        return {};
    }
}

// As enrolling does, but for the certificate.
void SimAccount::add_agent(const AgentName& agent) {
    account::Database& database = store().database();
    require(process_->transactions->begin().has_value(), "an agent is added");
    database.run(
        "INSERT INTO agent (id, team, name, state, incarnation, key_fingerprint, certificate_fingerprint, "
        "certificate, certificate_expires_at, acknowledged, acknowledged_hash, lease_number, enrolled_at) "
        "VALUES (?, ?, ?, 'active', 1, ?, ?, '', ?, 0, '', 0, ?)",
        agent.id, agent.team, agent.id, "key of " + agent.id, "certificate of " + agent.id,
        clock_.wall_now() + 3650 * core::day_ms, clock_.wall_now());
    require(!database.failed() && process_->transactions->commit().has_value(), "an agent is added");
}

}  // namespace meterbox::sim
