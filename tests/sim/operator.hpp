// Who runs the account: makes teams, resources and agents, and goes on buying grants: free ones with an
// end, without, or starting later; payg with a cap, or open.
#pragma once

#include <string>

#include "tests/sim/sim_account.hpp"
#include "tests/sim/world.hpp"

namespace meterbox::sim {

class Operator {
public:
    Operator(World& world, SimAccount& account)
        : world_(world), account_(account), dice_(world.dice("operator")) {}

    void set_up(const std::vector<AgentName>& agents);
    void start();
    void change_modes();  // from then on, as the plan says
    void settle();        // faults have stopped

private:
    void allow_waiting();
    void set_mode(const std::string& resource, std::string_view mode);
    void buy_later();
    void buy(const std::string& team, const core::Resource& resource);

    World& world_;
    SimAccount& account_;
    Dice dice_;
    int rolls_ = 0;
};

}  // namespace meterbox::sim
