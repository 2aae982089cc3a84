// The way between agents and the account: in memory, and as bad as the plan says. A request or its answer
// is lost, late (after its sender gave up), or arrives twice; an agent is cut off, or everybody is. An
// answer comes at most once, and never to another request than its own: the wire below is TCP.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "platform/transport.hpp"
#include "tests/sim/sim_account.hpp"
#include "tests/sim/world.hpp"

namespace meterbox::sim {

class Network {
public:
    Network(World& world, SimAccount& account, std::size_t agents);

    using Completion = platform::Transport::Completion;
    // Answered once, later, at the latest after the timeout.
    void send(std::size_t agent, const AgentName& from, std::string path, std::string body, Completion done);

    // One more, of the next number.
    void add_agent();
    void begin_faults();
    void heal();

private:
    struct Call;
    void deliver(const std::shared_ptr<Call>& call, bool original);
    void bring_back(const std::shared_ptr<Call>& call, const platform::Answer& answer);
    void next_partition(std::size_t agent);
    void next_outage();
    void cut_off_all(std::int64_t ms);
    void count(std::size_t agent);
    std::string shown(std::size_t agent, const AgentName& from) const;
    bool cut(std::size_t agent) const { return outage_ || cut_[agent]; }

    World& world_;
    SimAccount& account_;
    Dice dice_;
    std::vector<bool> cut_;
    std::vector<std::pair<std::int64_t, std::int64_t>> said_;  // by agent: in which hour how often
    bool outage_ = false;
};

}  // namespace meterbox::sim
