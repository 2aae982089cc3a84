#include "agent/agent_cards.hpp"

#include <algorithm>
#include <utility>

namespace meterbox::agent {

namespace {

// What was charged here since the account made the card. Open payg has nothing to take it off.
void take_off(core::Card& card, const core::TierUnits& charged) {
    for (core::CardTier& tier : card.tiers) {
        if (!tier.available_units) continue;
        const core::Units taken = std::min(*tier.available_units, charged[tier.tier]);
        *tier.available_units -= taken;
        card.available_units = std::max(core::Units{}, card.available_units - taken);
    }
    card.charged_units += charged.sum();
}

// What was checked out or given back here since.
void hold(core::Card& card, core::Units since) {
    card.charged_units = std::max(core::Units{}, card.charged_units + since);
    card.available_units = std::clamp(card.available_units - since, core::Units{},
                                      std::max(core::Units{}, card.purchased_units));
}

core::Card card_of(const Balance& balance, const Sessions& sessions, core::Now range, core::UtcTime now) {
    const core::ResourceLedger& ledger = *balance.ledger;
    const core::Resource& resource = ledger.resource();
    core::Card card = balance.supply.team.value_or(core::Card{});
    if (!balance.supply.team) card.as_of = now;
    take_off(card, core::charged_since(ledger, balance.supply));
    card.leased_units = ledger.leased(range);
    card.remainder = core::part_of_unit(ledger, sessions.running(resource.key));
    card.overage_units = ledger.overage_units();
    if (resource.kind == core::Kind::returnable) {
        hold(card, ledger.held() - balance.supply.held_at_card);
        card.overage_units =
            resource.enforcement == core::Enforcement::none ? core::Units{} : ledger.held_beyond(range);
    }
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
