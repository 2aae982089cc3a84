#include "core/refresh.hpp"

#include <algorithm>

namespace meterbox::core {

namespace {

Units used_before(UtcTime moment, Tier tier, const ResourceLedger& ledger) {
    Units used;
    for (const Tranche& tranche : ledger.tranches())
        if (tranche.tier == tier && tranche.valid_from < moment) used += tranche.used;
    return used;
}

// Here, since the card was made.
Units used_since(const std::string& name, const Supply& supply, const ResourceLedger& ledger) {
    const auto at_card = supply.used_at_card.find(name);
    const Units before = at_card == supply.used_at_card.end() ? Units{} : at_card->second;
    for (const Tranche& tranche : ledger.tranches())
        if (tranche.id == name) return std::max(Units{}, tranche.used - before);
    return {};
}

// What it has goes, what was used of it included; what its next cycle begins with comes.
void turn(Supply& supply, CardTier& tier, const CardTurn& turn, const ResourceLedger& ledger) {
    Card& card = *supply.team;
    const auto pass = [](Units& sum, Units gone, Units next) { sum = std::max(Units{}, sum - gone) + next; };
    const Units next = turn.next_units.value_or(Units{});
    pass(card.available_units, turn.available_units, next);
    pass(card.purchased_units, turn.purchased_units, next);
    pass(card.charged_units, turn.charged_units, {});
    if (tier.available_units) pass(*tier.available_units, turn.available_units, next);
    if (tier.purchased_units) pass(*tier.purchased_units, turn.purchased_units, next);
    supply.charged_at_card[tier.tier] += used_since(turn.tranche, supply, ledger);
}

void pass_turns(Supply& supply, CardTier& tier, const ResourceLedger& ledger, Now now) {
    tier.refreshes_at.reset();
    const auto passed = [now](const CardTurn& one) { return now.latest >= one.at; };
    for (const CardTurn& one : tier.turns) {
        if (passed(one)) {
            turn(supply, tier, one, ledger);
        } else if (one.next_units) {
            tier.refreshes_at = std::min(one.at, tier.refreshes_at.value_or(one.at));
        }
    }
    std::erase_if(tier.turns, passed);
}

std::optional<UtcTime> soonest(const std::vector<CardTier>& tiers) {
    std::optional<UtcTime> soonest;
    for (const CardTier& tier : tiers)
        if (tier.refreshes_at) soonest = std::min(*tier.refreshes_at, soonest.value_or(*tier.refreshes_at));
    return soonest;
}

}  // namespace

void refresh(Supply& supply, const ResourceLedger& ledger, Now now) {
    if (!supply.team || ledger.resource().kind == Kind::returnable) return;  // what is held stays held
    Card& card = *supply.team;
    for (CardTier& tier : card.tiers) {
        if (!tier.turns.empty()) {
            pass_turns(supply, tier, ledger, now);
            continue;
        }
        if (!tier.refreshes_at || now.latest < *tier.refreshes_at) continue;
        supply.charged_at_card[tier.tier] = used_before(*tier.refreshes_at, tier.tier, ledger);
        tier.refreshes_at.reset();
        if (!tier.purchased_units || !tier.available_units) continue;
        const Units charged = std::max(Units{}, *tier.purchased_units - *tier.available_units);
        *tier.available_units += charged;
        card.available_units += charged;
        card.charged_units = std::max(Units{}, card.charged_units - charged);
    }
    if (card.refreshes_at) card.refreshes_at = soonest(card.tiers);
}

}  // namespace meterbox::core
