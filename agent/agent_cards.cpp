#include "agent/agent_cards.hpp"

#include <algorithm>
#include <utility>

namespace meterbox::agent {

namespace {

core::Card card_of(const Balance& balance, const Sessions& sessions, core::Now range, core::UtcTime now) {
    const core::ResourceLedger& ledger = *balance.ledger;
    const core::Resource& resource = ledger.resource();
    core::Card card = balance.supply.team.value_or(core::Card{});
    if (!balance.supply.team) card.as_of = now;
    const core::Units since = std::max(core::Units{}, ledger.completed() - balance.supply.completed_at_card);
    card.available_units = std::max(core::Units{}, card.available_units - since);
    card.charged_units += since;
    card.leased_units = ledger.leased(range);
    card.remainder = ledger.remainder();
    card.overage_units = ledger.overage_units();
    card.resource = resource.key;
    card.name = resource.name;
    card.kind = resource.kind;
    card.measure = resource.measure;
    card.unit_size = resource.unit_size;
    card.enforcement = resource.enforcement;
    const core::Standing standing = sessions.standing(resource.key);
    card.state = standing.state;
    card.reason = standing.reason;
    card.exhausts_at.reset();
    const std::int64_t running = sessions.count(resource.key);
    if (running > 0 && resource.enforcement == core::Enforcement::hard)
        card.exhausts_at = now + core::run_out(standing.available, running).after_ms;
    return card;
}

}  // namespace

std::vector<core::Card> agent_cards(const Balances& balances, const Sessions& sessions, core::Now range,
                                    core::UtcTime now) {
    std::vector<core::Card> cards;
    for (const auto& [key, balance] : balances.all()) cards.push_back(card_of(balance, sessions, range, now));
    return cards;
}

}  // namespace meterbox::agent
