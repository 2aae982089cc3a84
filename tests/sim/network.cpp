#include "tests/sim/network.hpp"

#include <memory>
#include <utility>

namespace meterbox::sim {

namespace {

constexpr std::int64_t timeout_ms = core::limits::sync_timeout_default_ms;
// Who completes units all the time, and waits in line for others, has that much to say: beyond it is a storm.
constexpr std::int64_t exchanges_an_hour_max = 1'800;

core::Error unreachable(const char* why) {
    return {core::ErrorCode::unreachable, why, {}, {}};
}

}  // namespace

struct Network::Call {
    std::size_t agent;
    AgentName from;
    std::string path;
    std::string body;
    Completion done;
    int answered = 0;
    void end(const core::Result<platform::Answer>& answer) {
        if (done) std::exchange(done, nullptr)(answer);
    }
};

Network::Network(World& world, SimAccount& account, std::size_t agents)
    : world_(world), account_(account), dice_(world.dice("network")), cut_(agents), said_(agents) {}

void Network::send(std::size_t agent, const AgentName& from, std::string path, std::string body,
                   Completion done) {
    count(agent);
    const auto call =
        std::make_shared<Call>(Call{agent, from, std::move(path), std::move(body), std::move(done)});
    world_.trace.add(shown(agent, from) + " > " + call->path, call->body);
    world_.schedule.after(timeout_ms, [call] { call->end(unreachable("no answer in time")); });
    if (cut(agent)) {
        world_.tally.fault("network: agent cut off");
        if (dice_.chance(500)) world_.schedule.after(1, [call] { call->end(unreachable("no route")); });
        return;
    }
    const bool faults = world_.faults;
    if (faults && dice_.chance(world_.plan.lost)) return world_.tally.fault("network: request lost");
    std::int64_t delay = dice_.spread(1, 300);
    if (faults && dice_.chance(world_.plan.late)) {
        world_.tally.fault("network: request late");
        delay = timeout_ms + dice_.even(1, 600'000);
    }
    world_.schedule.after(delay, [this, call] { deliver(call, true); });
    if (faults && dice_.chance(world_.plan.repeated))
        world_.schedule.after(delay + dice_.even(1, 60'000), [this, call] { deliver(call, false); });
}

std::string Network::shown(std::size_t agent, const AgentName& from) const {
    return agent < world_.plan.agents.size() ? from.id : from.id + " in machine " + std::to_string(agent);
}

void Network::count(std::size_t agent) {
    auto& [hour, times] = said_[agent];
    const std::int64_t now = core::hour_of(world_.now()).number;
    if (std::exchange(hour, now) != now) times = 0;
    SIM_REQUIRE(++times <= exchanges_an_hour_max,
                "whatever goes wrong, an agent doesn't storm its account: " + std::to_string(agent));
}

void Network::deliver(const std::shared_ptr<Call>& call, bool original) {
    if (cut(call->agent)) return world_.tally.fault("network: request cut off");
    if (!original) world_.tally.fault("network: request repeated");
    if (call->path == "/v1/hello" && !call->done) world_.tally.saw("hello after its sender gave up");
    const bool taken = account_.handle(
        call->path, call->body, call->from, [this, call, original](const platform::Answer& answer) {
            if (++call->answered == 2 && call->path == "/v1/sync" && answer.status == 200)
                world_.tally.saw("sync answered twice");
            if (original) bring_back(call, answer);
        });
    if (!taken && original)
        world_.schedule.after(1, [call] { call->end(unreachable("connection refused")); });
}

void Network::bring_back(const std::shared_ptr<Call>& call, const platform::Answer& answer) {
    // Without the account's keys, which are others in each process.
    const std::string_view said = std::string_view(answer.body).substr(0, answer.body.find("\"lease_keys\""));
    world_.trace.add(shown(call->agent, call->from) + " < " + std::to_string(answer.status), said);
    if (answer.status == 404) world_.tally.saw("agent hello again after its session was lost");
    if (world_.faults && dice_.chance(world_.plan.answer_lost))
        return world_.tally.fault("network: answer lost");
    world_.schedule.after(dice_.spread(1, 300), [this, call, answer] {
        if (cut(call->agent)) return world_.tally.fault("network: answer cut off");
        if (!call->done) world_.tally.fault("network: answer late");
        call->end(answer);
    });
}

void Network::add_agent() {
    cut_.push_back(false);
    said_.emplace_back();
    next_partition(cut_.size() - 1);
}

void Network::begin_faults() {
    for (std::size_t agent = 0; agent < cut_.size(); ++agent) next_partition(agent);
    next_outage();
    if (world_.plan.night_outage_at > 0)
        world_.schedule.after(world_.plan.night_outage_at, [this] {
            if (world_.faults) cut_off_all(dice_.between(2, 14) * core::hour_ms);
        });
}

void Network::cut_off_all(std::int64_t ms) {
    outage_ = true;
    world_.schedule.after(ms, [this] { outage_ = false; });
}

void Network::next_partition(std::size_t agent) {
    if (world_.plan.partition_every == 0) return;
    world_.schedule.after(dice_.between(1, 2 * world_.plan.partition_every), [this, agent] {
        if (!world_.faults) return;
        cut_[agent] = true;
        world_.schedule.after(dice_.even(1'000, 4 * core::hour_ms * world_.plan.slowness), [this, agent] {
            cut_[agent] = false;
            next_partition(agent);
        });
    });
}

void Network::next_outage() {
    if (world_.plan.outage_every == 0) return;
    world_.schedule.after(dice_.between(1, 2 * world_.plan.outage_every), [this] {
        if (!world_.faults) return;
        outage_ = true;
        world_.schedule.after(dice_.even(60'000, core::day_ms * world_.plan.slowness), [this] {
            outage_ = false;
            next_outage();
        });
    });
}

void Network::heal() {
    outage_ = false;
    cut_.assign(cut_.size(), false);
}

}  // namespace meterbox::sim
