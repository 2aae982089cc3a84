// What agents know of their slots, held against what the account knows of them (I2, I3, I8, I13).
#include <algorithm>
#include <utility>

#include "tests/sim/invariants.hpp"

namespace meterbox::sim {

void Invariants::check_against_account(std::size_t index) {
    if (!view_ || !account_.up()) return;  // what fell was read for the last time before that
    SimAgent& agent = *agents_[index];
    const std::string& id = agent.name().id;
    if (agent.up()) agent.note_sync();
    // What it committed and sent just before it fell is read from its disk when it is up again.
    const bool all_read = agent.up() || agent.committed() == seen_[index].committed;
    // What a disk was that has been put back, nobody knows until it was settled with the account.
    const bool comparable = all_read && !agent.put_back() && !has_copies(id) && learned(id) &&
                            value_of(view_->incarnations, id) == seen_[index].incarnation;
    if (comparable && agent.up()) check_heard_of(index);
    for (const auto& [tranche, real] : seen_[index].tranches) {
        if (!comparable) break;
        const auto known = view_->holdings.find({id, tranche, seen_[index].incarnation});
        const HoldingRow holding = known == view_->holdings.end() ? HoldingRow{} : known->second;
        SIM_REQUIRE(holding.used <= real.used,
                    "I3: no more is charged than was used: " + id + " t" + std::to_string(tranche) + ", " +
                        std::to_string(holding.used) + " known, " + std::to_string(real.used) + " used");
        SIM_REQUIRE(real.granted <= holding.granted || ended_before_put_back(tranche),
                    "I8, I13: a lease left after its grant: " + id + " t" + std::to_string(tranche));
    }
    if (index + 1 == agents_.size() && std::exchange(moved_, false)) check_slots();
}

// Of a disk that was put back up to one lease may be used twice: units that it gave back after that copy.
std::int64_t Invariants::left_to(const std::string& agent, std::int64_t tranche) const {
    const auto known = view_->holdings.find({agent, tranche, value_of(view_->incarnations, agent)});
    return known == view_->holdings.end() ? 0 : known->second.granted - known->second.returned;
}

// What a store that was put back has forgotten of its lease it doesn't hold in doubt: nobody told it.
bool Invariants::given_up_unheard(const std::string& agent) const {
    return !learned(agent) && (view_->written_off.contains(agent) || view_->revoked.contains(agent));
}

std::int64_t Invariants::granted_to(const std::string& agent, std::int64_t tranche) const {
    const auto known = view_->holdings.find({agent, tranche, value_of(view_->incarnations, agent)});
    return known == view_->holdings.end() ? 0 : known->second.granted;
}

// I2: over all agents.
void Invariants::check_slots() {
    check_spent_twice();
    if (put_backs_ > 0 && world_.plan.store_put_back_by_hand) return;
    std::map<HoldingKey, std::int64_t>
        by_agent;  // also what the account alone knows of: fenced ones, custody
    for (const auto& [key, holding] : view_->holdings) by_agent[key] = holding.used;
    for (std::size_t i = 0; i < agents_.size(); ++i)
        for (const auto& [tranche, real] : seen_[i].tranches) {
            const std::string& agent_id = agents_[i]->name().id;
            if (value_of(view_->incarnations, agent_id) != seen_[i].incarnation) continue;
            std::int64_t& used = by_agent[{agent_id, tranche, seen_[i].incarnation}];
            std::int64_t really = real.used;
            if (agents_[i]->put_back()) really = std::min(really, left_to(agent_id, tranche));
            if (given_up_unheard(agent_id)) really = std::min(really, granted_to(agent_id, tranche));
            used = std::max(used, really);
        }
    for (const auto& [key, units] : most_used_) by_agent[key] = std::max(by_agent[key], units);
    std::map<std::int64_t, std::int64_t> used;
    for (const auto& [key, units] : by_agent) used[std::get<1>(key)] += units;
    std::map<std::int64_t, std::int64_t> tokens;  // really used, by pool
    for (const TrancheRow& tranche : view_->tranches)
        if (tranche.pool)
            tokens[*tranche.pool] +=
                (used[tranche.id] - freed_[tranche.id] - value_of(view_->released, tranche.id)) *
                tranche.rate;
    for (const auto& [pool, spent] : tokens)
        SIM_REQUIRE(spent <= *view_->find(pool)->purchased,
                    "I2: no more tokens are used than were bought: t" + std::to_string(pool));
    for (const TrancheRow& tranche : view_->tranches) {
        // Units are bought out of a pool when they are leased, which an account that learns has forgotten:
        // what was bought of it are its tokens.
        const bool forgotten = tranche.pool && view_->learning_teams.contains(tranche.team);
        if (tranche.purchased && !forgotten)
            SIM_REQUIRE(used[tranche.id] - freed_[tranche.id] <=
                            *tranche.purchased + value_of(view_->released, tranche.id),
                        "I2: no more slots are used than were bought: t" + std::to_string(tranche.id));
    }
}

}  // namespace meterbox::sim
