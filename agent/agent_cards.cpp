#include "agent/agent_cards.hpp"

#include <algorithm>
#include <utility>

#include "core/forecast.hpp"
#include "core/gate.hpp"
#include "core/refresh.hpp"

namespace meterbox::agent {

namespace {

// The account tells them in draw order.
void take_off(std::vector<core::CardTurn>& turns, core::Units taken, core::UtcTime now) {
    for (core::CardTurn& turn : turns) {
        if (turn.begins_at && *turn.begins_at > now) continue;
        const core::Units here = std::min(turn.available_units, taken);
        turn.available_units -= here;
        taken -= here;
    }
}

// What was charged here since the account made the card. Open payg has nothing to take it off.
void take_off(core::Card& card, const core::TierUnits& charged, core::UtcTime now) {
    for (core::CardTier& tier : card.tiers) {
        if (!tier.available_units) continue;
        const core::Units taken = std::min(*tier.available_units, charged[tier.tier]);
        *tier.available_units -= taken;
        take_off(tier.turns, taken, now);
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

// Of two that may have no end.
std::optional<std::int64_t> longer(std::optional<std::int64_t> one, std::optional<std::int64_t> other) {
    return one && other ? std::optional(std::max(*one, *other)) : std::nullopt;
}

// At the rate of what runs now, or of the last 24 hours, whichever is more. Open payg ends by no usage.
std::optional<core::UtcTime> forecast(const Balance& balance, const core::Card& card,
                                      const Sessions& sessions, core::Amount rate_per_hour, core::Now range,
                                      core::UtcTime now) {
    const bool ends = core::counts(card.enforcement) && balance.supply.team && !card.payg_open &&
                      !balance.ledger->holds_open_payg(range);
    if (!ends) return std::nullopt;
    const auto leased = core::lease_lasts_ms(*balance.ledger, balance.supply, sessions.running(card.resource),
                                             rate_per_hour, range);
    const auto lasts = balance.supply.nothing_to_be_had()
                           ? leased
                           : longer(leased, core::card_lasts_ms(card, rate_per_hour, now));
    return lasts ? std::optional(now + *lasts) : std::nullopt;
}

core::Card card_of(const Balance& balance, const Sessions& sessions, const UsageRate& rate, core::Now range,
                   core::UtcTime now) {
    const core::ResourceLedger& ledger = *balance.ledger;
    const core::Resource& resource = ledger.resource();
    core::Supply supply = balance.supply;
    core::refresh(supply, ledger, range);  // nobody looks at it in time where nothing runs
    core::Card card = supply.team.value_or(core::Card{});
    if (!supply.team) card.as_of = now;
    take_off(card, core::charged_since(ledger, supply), now);
    card.leased_units = ledger.leased(range);
    card.remainder = core::part_of_unit(ledger, sessions.running(resource.key));
    card.overage_units = core::overage_units(ledger, range);
    if (resource.kind == core::Kind::returnable) hold(card, ledger.held() - supply.held_at_card);
    card.resource = resource.key;
    card.name = resource.name;
    card.kind = resource.kind;
    card.measure = resource.measure;
    card.unit_size = resource.unit_size;
    card.enforcement = resource.enforcement;
    const core::Standing standing = sessions.standing(resource.key);
    card.state = standing.state;
    card.reason = standing.reason;
    const core::Amount running{sessions.count(resource.key) * core::hour_ms};
    const core::Amount per_hour = std::max(rate.mean_per_hour(resource.key), running);
    card.exhausts_at = forecast(balance, card, sessions, per_hour, range, now);
    return card;
}

}  // namespace

std::vector<core::Card> agent_cards(const Balances& balances, const Sessions& sessions, const UsageRate& rate,
                                    core::Now range, core::UtcTime now) {
    std::vector<core::Card> cards;
    for (const auto& [key, balance] : balances.all())
        cards.push_back(card_of(balance, sessions, rate, range, now));
    return cards;
}

}  // namespace meterbox::agent
