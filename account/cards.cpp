// Sums of what is valid now, by tier and in all, and the state that follows from them.
#include "account/cards.hpp"

#include <algorithm>
#include <array>

#include "core/limits.hpp"

namespace meterbox::account {

using core::Units;

namespace {

// The latest end of several; none as soon as one has no end.
class LatestEnd {
public:
    void add(std::optional<core::UtcTime> end) {
        if (!end) endless_ = true;
        if (end) latest_ = latest_ ? std::max(*latest_, *end) : *end;
    }
    std::optional<core::UtcTime> get() const { return endless_ ? std::nullopt : latest_; }

private:
    bool endless_ = false;
    std::optional<core::UtcTime> latest_;
};

Units available(const Tranche& t) {
    return *t.purchased - t.charged - t.in_doubt - t.expired;
}

std::optional<core::CardTier> tier_of(core::Tier tier, std::span<const Tranche> tranches, core::UtcTime now) {
    core::CardTier line;
    line.tier = tier;
    LatestEnd end;
    bool any = false;
    bool open = false;
    Units left;
    Units bought;
    for (const Tranche& tranche : tranches) {
        if (tranche.tier != tier || !tranche.valid_at(now)) continue;
        any = true;
        end.add(tranche.ends_at);
        open = open || tranche.open();
        if (tranche.open()) continue;
        left += available(tranche);
        bought += *tranche.purchased;
    }
    if (!any) return std::nullopt;
    if (!open) {
        line.available_units = left;
        line.purchased_units = bought;
    }
    line.ends_at = end.get();
    return line;
}

core::BalanceState state_of(const core::Card& card, bool valid_any, bool had_grants, int low_percent) {
    if (card.enforcement == core::Enforcement::none) return core::BalanceState::ok;
    if (!valid_any && had_grants) return core::BalanceState::ended;
    if (card.payg_open) return core::BalanceState::ok;
    if (card.available_units.value() <= 0) return core::BalanceState::exhausted;
    if (core::is_low(card.purchased_units, card.available_units, low_percent)) return core::BalanceState::low;
    return core::BalanceState::ok;
}

}  // namespace

core::Card make_card(const core::Resource& resource, std::span<const Tranche> tranches, bool had_grants,
                     PoolTotals totals, int low_percent, core::UtcTime now) {
    core::Card card;
    card.resource = resource.key;
    card.name = resource.name;
    card.kind = resource.kind;
    card.measure = resource.measure;
    card.unit_size = resource.unit_size;
    card.enforcement = resource.enforcement;
    // Agents say these. Whatever one of them says, the others must be able to read the team's card.
    card.remainder = std::min(totals.remainder, core::Amount{core::limits::counter_max});
    card.overage_units = std::min(totals.overage_units, Units{core::limits::counter_max});
    card.as_of = now;

    LatestEnd end;
    bool valid_any = false;
    for (const Tranche& tranche : tranches) {
        if (!tranche.valid_at(now)) continue;
        valid_any = true;
        end.add(tranche.ends_at);
        card.leased_units += tranche.leased;
        card.charged_units += tranche.charged;
        card.payg_open = card.payg_open || tranche.open();
        if (tranche.open()) continue;
        card.available_units += available(tranche);
        card.purchased_units += *tranche.purchased;
    }
    card.ends_at = end.get();

    static constexpr std::array tiers{core::Tier::free, core::Tier::token_flex, core::Tier::flex,
                                      core::Tier::payg};
    for (const core::Tier tier : tiers) {
        if (auto line = tier_of(tier, tranches, now)) card.tiers.push_back(*line);
    }

    card.state = state_of(card, valid_any, had_grants, low_percent);
    if (card.state == core::BalanceState::exhausted) card.reason = "exhausted";
    if (card.state == core::BalanceState::ended) card.reason = "ended";
    return card;
}

}  // namespace meterbox::account
