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
