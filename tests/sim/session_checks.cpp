// Who is let in, who is turned away, and what stays reserved for those who run (I6, I20).
#include "tests/sim/invariants.hpp"

namespace meterbox::sim {

// I6: what an agent gives back isn't what its sessions run on.
void Invariants::check_reserved(std::size_t index, const core::ResourceLedger& ledger, bool gave_back) {
    SimAgent& agent = *agents_[index];
    const std::string& key = ledger.resource().key;
    const bool running = ledger.resource().kind == core::Kind::exhaustible &&
                         ledger.resource().enforcement == core::Enforcement::hard &&
                         agent.sessions().count(key) > 0;
    if (!gave_back || !running || agent.retiring()) return;
    world_.tally.saw("units given back beside a session that runs");
    SIM_REQUIRE(agent.sessions().standing(key).available > core::Amount{},
                "I6: the unit of a session that runs stays: " + agent.name().id + " " + key);
}

}  // namespace meterbox::sim
