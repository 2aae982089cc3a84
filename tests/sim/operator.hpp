// Who runs the account: makes teams, resources and agents, and goes on buying grants of every tier, in units
// and in tokens, with an end, without, or starting later, some with cycles; and ends one now and then.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

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
    void give_up_agents();

private:
    void allow_waiting();
    void top_up(bool to_the_end);
    void revoke(const std::string& agent);
    bool holds_ahead(const std::string& agent);
    void write_off();
    void set_mode(const std::string& resource, std::string_view mode);
    void buy_later();
    void correct_later();
    void correct(const std::string& team, const std::string& resource);
    void buy(const std::string& team, const core::Resource& resource);
    void end_one(const std::string& team);
    std::vector<std::string> terms(const std::string& team, const core::Resource& resource);
    std::vector<std::string> anchor();
    std::string amount();

    World& world_;
    SimAccount& account_;
    Dice dice_;
    int rolls_ = 0;
    std::set<std::string> billed_;                             // teams with a payg grant
    std::map<std::string, std::vector<std::string>> endless_;  // grants without an end, by team
    std::vector<AgentName> agents_;
    std::map<std::string, int> allowed_with_two_;  // times, by agent
};

}  // namespace meterbox::sim
