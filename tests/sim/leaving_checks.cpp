// Agents that retire: what each step of it may do, and what is left behind (I15, I17).
#include <algorithm>

#include "account/tranche.hpp"
#include "tests/sim/invariants.hpp"

namespace meterbox::sim {

// By the account itself: whoever wasn't heard for so long, and nobody else.
void Invariants::check_given_up(const AccountView& view) {
    if (world_.plan.lost_after_ms == 0) return;
    for (const std::string& id : view.written_off) {
        if (view_->written_off.contains(id) || view.revoked.contains(id)) continue;
        const std::int64_t heard = std::max(value_of(view_->last_sync_at, id), world_begins.ms);
        SIM_REQUIRE(world_.now().ms - heard > world_.plan.lost_after_ms,
                    "an agent is given up after its silence alone: " + id);
        world_.tally.saw("agent written off after its silence");
    }
}

// The account says that an agent has retired only when it said so itself, and it says so only when it
// takes nothing more.
void Invariants::check_sealed(std::size_t index) {
    SimAgent& agent = *agents_[index];
    const std::string& id = agent.name().id;
    if (!agent.sealed()) {
        SIM_REQUIRE(!view_ || !view_->retired.contains(id),
                    "nobody is retired who hasn't said its last word: " + id);
        return;
    }
    std::map<std::string, std::int64_t> metered;
    for (const agent::LedgerView& ledger : agent.ledgers()) {
        const std::string& key = ledger->resource().key;
        metered[key] = (ledger->metered() + agent.journal().former(key)).value();
        for (const core::Tranche& tranche : ledger->tranches())
            SIM_REQUIRE(!agent.retired() || tranche.left() == core::Units{},
                        "a retired agent holds nothing: " + id + " " + tranche.id);
    }
    SIM_REQUIRE(agent.sessions().active() == 0, "nobody runs when the last word is said: " + id);
    const auto& before = seen_[index].sealed;
    SIM_REQUIRE(before.empty() || before == metered, "nothing is taken after the last word: " + id);
    seen_[index].sealed = std::move(metered);
    if (!agent.retired() || !view_ || !account_.up()) return;
    SIM_REQUIRE(view_->retired.contains(id), "I8: a receipt leaves after its commit: " + id);
}

// All that it metered is known, its remainders are the custody's, and nothing of its lease is its own.
void Invariants::check_retired(std::size_t index) {
    SimAgent& agent = *agents_[index];
    const std::string& id = agent.name().id;
    SIM_REQUIRE(agent.syncs_awaited() == 0, "who has retired keeps nobody waiting for a sync: " + id);
    SIM_REQUIRE(view_->tickets.end() ==
                    std::ranges::find_if(view_->tickets,
                                         [&id](const auto& entry) { return entry.second.agent == id; }),
                "who has retired waits for nothing: " + id);
    for (const agent::LedgerView& ledger : agent.ledgers()) {
        const std::string& key = ledger->resource().key;
        const CounterRow known = value_of(view_->counters, {id, key});
        SIM_REQUIRE(known.metered == ledger->metered().value(), "I4: M is known: " + id + " " + key);
        SIM_REQUIRE(known.remainder == 0 && known.overage_units == 0,
                    "I17: a retired agent owns no remainder: " + id + " " + key);
        SIM_REQUIRE(
            (value_of(view_->handed_over, {id, key, agent.incarnation()})) == ledger->remainder().value(),
            "I17: its remainder is handed over: " + id + " " + key);
        for (const core::Tranche& tranche : ledger->tranches()) {
            const HoldingRow holding =
                value_of(view_->holdings, {id, *account::tranche_from(tranche.id), agent.incarnation()});
            const std::string what = id + " " + tranche.id;
            SIM_REQUIRE(holding.used == tranche.used.value(), "I4: U is known: " + what);
            SIM_REQUIRE(holding.used + holding.returned == holding.granted,
                        "I4: all of its lease is used or back: " + what);
        }
    }
}

}  // namespace meterbox::sim
