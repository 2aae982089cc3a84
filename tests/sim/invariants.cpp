// After each step: who is looked at, and what sessions are told. What must hold at the end is in
// end_checks.cpp.
#include "tests/sim/invariants.hpp"

namespace meterbox::sim {

namespace {

// A session that is told nothing by then runs on what nobody has (R6).
constexpr std::int64_t stop_within_ms = 1'600;

}  // namespace

Invariants::Invariants(World& world, SimAccount& account, std::vector<std::unique_ptr<SimAgent>>& agents,
                       std::vector<std::unique_ptr<Products>>& products)
    : world_(world), account_(account), agents_(agents), products_(products) {}

void Invariants::check_step() {
    const bool account_changed = account_.up() && account_commits_ != account_.commits();
    if (account_changed) {
        check_account();
        account_commits_ = account_.commits();
    }
    bool any_changed = account_changed;
    for (std::size_t index = 0; index < agents_.size(); ++index) {
        note_modes(index);
        const bool changed = agents_[index]->up() && seen_[index].commits != agents_[index]->commits();
        if (changed) {
            check_agent(index);
            seen_[index].commits = agents_[index]->commits();
            seen_[index].committed = agents_[index]->committed();
        }
        seen_[index].to_compare = changed || account_changed;
        if (seen_[index].to_compare) check_against_account(index);
        any_changed = any_changed || changed;
        check_stops(index);
    }
    if (any_changed) check_copies(account_changed);
}

// What the account says may be older than what it said.
void Invariants::note_put_back(const AccountView& view) {
    if (put_backs_ != account_.put_backs()) {
        put_backs_ = account_.put_backs();
        view_.reset();
        entries_before_ = view.entries;
        note_forgotten(view);
        return;
    }
    if (!view_) return;
    if (view.incidents > view_->incidents && world_.plan.store_put_back_by_hand)
        world_.tally.saw("store put back by hand found out");
    if (view.learning_teams.size() < view_->learning_teams.size()) world_.tally.saw("team learned");
}

// What had come free of the tranches that it knows, by what it has forgotten.
void Invariants::note_forgotten(const AccountView& view) {
    forgotten_frees_.clear();
    for (const TrancheRow& tranche : view.tranches)
        forgotten_frees_[tranche.id] = value_of(freed_, tranche.id);
    account_.store().database().each(
        "SELECT tranche, sum(units) FROM ledger WHERE (from_ = 'charged' AND reason <> 'heard again') OR "
        "(from_ = 'leased' AND reason = 'draw order') GROUP BY 1",
        [this](auto& row) { forgotten_frees_[row.integer(0)] -= row.integer(1); });
}

// It was heard since the store was put back last.
bool Invariants::learned(const std::string& agent) const {
    return put_backs_ == 0 || (!view_->learning_agents.contains(agent) &&
                               view_->last_sync_at.at(agent) > account_.put_back_at().ms);
}

// No lease that was shown since names it: what was leased of it nobody can use, and nobody can tell.
bool Invariants::ended_before_put_back(std::int64_t tranche) const {
    const TrancheRow* const row = view_->find(tranche);
    return put_backs_ > 0 && row != nullptr && row->ends_at && *row->ends_at <= account_.put_back_at().ms;
}

// An account that was put back may have forgotten, for good, the earlier grant to which charges were moved:
// they stand where they took slots again, beside what was leased anew of the slots that had come free. And
// it holds in doubt, or has counted, what an agent that was given up gave back after that copy.
bool Invariants::may_owe(const AccountView& view, const TrancheRow& tranche) const {
    if (view.learning_teams.contains(tranche.team)) return true;
    if (put_backs_ == 0) return false;
    if (world_.plan.store_put_back_by_hand) return true;
    const auto forgotten = forgotten_frees_.find(tranche.id);
    if (forgotten == forgotten_frees_.end()) return false;  // made since
    std::int64_t most = forgotten->second + tranche.in_doubt + value_of(view.counted, tranche.id);
    for (const TrancheRow& out_of : view.tranches)
        if (out_of.pool == tranche.id) most += value_of(view.counted, out_of.id) * out_of.rate;
    return -tranche.available <= most;
}

// R6, as far as it can be seen from outside: nobody runs on what isn't there.
void Invariants::check_stops(std::size_t index) {
    SimAgent& agent = *agents_[index];
    SeenAgent& seen = seen_[index];
    if (!agent.answers() || agent.sessions().active() == 0) return seen.at_zero_since.clear();
    const core::MonotonicTime now = agent.clock().monotonic_now();
    for (const auto& [key, balance] : agent.balances().all()) {
        const core::ResourceLedger& ledger = *balance.ledger;
        const bool running =
            ledger.resource().enforcement == core::Enforcement::hard && agent.sessions().count(key) > 0;
        if (running)
            for (const core::Tranche& tranche : ledger.tranches())
                if (tranche.ends_at && tranche.ends_at->ms > seen.looked_at &&
                    world_.now() >= *tranche.ends_at)
                    world_.tally.saw("grant ended with a session running");
        if (!running || agent.sessions().standing(key).available > core::Amount{}) {
            seen.at_zero_since.erase(key);
            continue;
        }
        const auto since = seen.at_zero_since.try_emplace(key, std::pair{agent.run(), now}).first->second;
        if (since.first != agent.run()) {
            seen.at_zero_since.erase(key);
            continue;
        }
        SIM_REQUIRE(now - since.second <= stop_within_ms,
                    "R6: sessions are told to stop: " + agent.name().id + " " + key);
    }
    seen.looked_at = world_.now().ms;
}

}  // namespace meterbox::sim
