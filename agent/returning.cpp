#include "agent/returning.hpp"

#include "agent/sessions.hpp"

namespace meterbox::agent {

std::vector<Return> returns_for(const std::vector<core::wire::Recall>& recall, const Balances& balances,
                                const Sessions& sessions, core::Now now) {
    std::vector<Return> returns;
    for (const core::wire::Recall& recalled : recall) {
        const auto found = balances.all().find(recalled.resource);
        if (found == balances.all().end()) continue;
        const core::ResourceLedger& ledger = *found->second.ledger;
        if (ledger.resource().kind == core::Kind::returnable) continue;
        Return give;
        give.resource = recalled.resource;
        give.running = std::max(core::Amount{}, sessions.running(recalled.resource));
        give.least = core::Units{sessions.count(recalled.resource) > 0 ? 1 : 0};
        give.waiting = core::Units{sessions.waiting(recalled.resource)};
        if (ledger.returnable(give.keep(ledger), now) > core::Units{}) returns.push_back(std::move(give));
    }
    return returns;
}

}  // namespace meterbox::agent
