// Sums of what is valid now, by tier and in all, and the state that follows from them.
#include "account/cards.hpp"

#include <algorithm>
#include <array>

#include "core/limits.hpp"

namespace meterbox::account {

using core::Units;

namespace {

// When access ends, and when what is used comes back, of several tranches.
class Ends {
public:
    void add(const Tranche& tranche) {
        const auto end = tranche.last_end();
        endless_ = endless_ || !end;
        if (end) latest_ = latest_ ? std::max(*latest_, *end) : *end;
        if (!tranche.refreshes()) return;
        soonest_ = soonest_ ? std::min(*soonest_, *tranche.ends_at) : *tranche.ends_at;
    }
    std::optional<core::UtcTime> ends_at() const { return endless_ ? std::nullopt : latest_; }
    std::optional<core::UtcTime> refreshes_at() const { return soonest_; }

private:
    bool endless_ = false;  // one of them never does
    std::optional<core::UtcTime> latest_;
    std::optional<core::UtcTime> soonest_;
};

// The cycle that follows at its end: it is there as soon as anybody has looked. None: it doesn't refresh.
const Tranche* cycle_after(const Tranche& tranche, std::span<const Tranche> tranches) {
    if (!tranche.refreshes()) return nullptr;
    const auto next = std::ranges::find_if(tranches, [&](const Tranche& other) {
        return other.grant == tranche.grant && other.starts_at == *tranche.ends_at;
    });
    return next == tranches.end() ? nullptr : &*next;
}

core::CardTurn turn_of(const Tranche& tranche, const Tranche* next) {
    core::CardTurn turn;
    turn.tranche = tranche_name(tranche.id);
    turn.at = *tranche.ends_at;
    turn.charged_units = tranche.charged;
    if (tranche.refreshes()) turn.next_units = (next != nullptr ? *next : tranche).size().value_or(Units{});
    if (tranche.open()) return turn;
    turn.purchased_units = *tranche.size();
    turn.available_units = tranche.unspent();
    return turn;
}

void add_turns(std::vector<core::CardTurn>& turns, const Tranche& tranche,
               std::span<const Tranche> tranches) {
    if (!tranche.ends_at) return;
    const Tranche* const next = cycle_after(tranche, tranches);
    turns.push_back(turn_of(tranche, next));
    if (next == nullptr || !next->ends_at) return;
    turns.push_back(turn_of(*next, cycle_after(*next, tranches)));
    turns.back().begins_at = next->starts_at;
}

std::optional<core::CardTier> tier_of(core::Tier tier, std::span<const Tranche> tranches, core::UtcTime now) {
    core::CardTier line;
    line.tier = tier;
    Ends ends;
    bool any = false;
    bool open = false;
    Units left;
    Units bought;
    for (const Tranche& tranche : tranches) {
        if (tranche.tier != tier || !tranche.valid_at(now)) continue;
        any = true;
        ends.add(tranche);
        add_turns(line.turns, tranche, tranches);
        open = open || tranche.open();
        if (tranche.open()) continue;
        left += tranche.unspent();
        bought += *tranche.size();
    }
    if (!any) return std::nullopt;
    if (line.turns.size() > core::limits::card_turns_max) line.turns.clear();
    if (!open) {
        line.available_units = left;
        line.purchased_units = bought;
    }
    line.ends_at = ends.ends_at();
    line.refreshes_at = ends.refreshes_at();
    return line;
}

// What is held is taken off the tiers in their order.
void take_held(core::Card& card, Units held) {
    for (core::CardTier& line : card.tiers) {
        const Units here = std::min(held, line.available_units.value_or(Units{0}));
        if (line.available_units) *line.available_units -= here;
        held -= here;
    }
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

    Ends ends;
    bool valid_any = false;
    for (const Tranche& tranche : tranches) {
        if (!tranche.valid_at(now)) continue;
        valid_any = true;
        ends.add(tranche);
        card.leased_units += tranche.leased;
        card.charged_units += tranche.charged;
        card.payg_open = card.payg_open || tranche.open();
        if (tranche.open()) continue;
        card.available_units += tranche.unspent();
        card.purchased_units += *tranche.size();
    }
    card.leased_units = std::min(card.leased_units, Units{core::limits::counter_max});
    card.charged_units = std::min(card.charged_units, Units{core::limits::counter_max});
    card.ends_at = ends.ends_at();
    card.refreshes_at = ends.refreshes_at();
    if (resource.kind == core::Kind::returnable) {
        card.charged_units = totals.held;
        card.available_units = std::max(Units{}, card.available_units - totals.held);
    }

    static constexpr std::array tiers{core::Tier::free, core::Tier::token_flex, core::Tier::flex,
                                      core::Tier::payg};
    for (const core::Tier tier : tiers) {
        if (auto line = tier_of(tier, tranches, now)) card.tiers.push_back(*line);
    }
    if (resource.kind == core::Kind::returnable) {
        take_held(card, totals.held);
        for (core::CardTier& line : card.tiers) line.turns.clear();  // what is held is of no one grant
    }

    card.state = state_of(card, valid_any, had_grants, low_percent);
    if (card.state == core::BalanceState::exhausted) card.reason = "exhausted";
    if (card.state == core::BalanceState::ended) card.reason = "ended";
    return card;
}

}  // namespace meterbox::account
