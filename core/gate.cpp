#include "core/gate.hpp"

#include <algorithm>
#include <numeric>

#include "core/assert.hpp"

namespace meterbox::core {

namespace {

// Of what the team's card counts as available: open payg isn't there.
Units taken_since(const ResourceLedger& ledger, const Supply& supply) {
    const TierUnits since = charged_since(ledger, supply);
    Units taken;
    for (const CardTier& tier : supply.team->tiers)
        if (tier.available_units) taken += since[tier.tier];
    return taken;
}

bool team_is_low(const ResourceLedger& ledger, const Supply& supply) {
    if (supply.team->payg_open) return false;
    const Units available = supply.team->available_units - taken_since(ledger, supply);
    return is_low(supply.team->purchased_units, available, supply.low_percent);
}

bool has_ended(const ResourceLedger& ledger, const Supply& supply, Now now) {
    if (ledger.leased(now) > Units{}) return false;
    return supply.team->state == BalanceState::ended ||
           (supply.team->ends_at && now.latest >= *supply.team->ends_at);
}

BalanceState state_of(const ResourceLedger& ledger, const Supply& supply, Amount available, Now now) {
    if (ledger.resource().enforcement == Enforcement::none) return BalanceState::ok;
    if (!supply.team) return BalanceState::unknown;
    const bool soft = ledger.resource().enforcement == Enforcement::soft;
    if (has_ended(ledger, supply, now)) return soft ? BalanceState::low : BalanceState::ended;
    if (supply.suspect || (available == Amount{} && (supply.nothing_to_be_had() || supply.silent)))
        return soft ? BalanceState::low : BalanceState::exhausted;
    if (ledger.holds_open_payg(now)) return BalanceState::ok;
    if (team_is_low(ledger, supply) || available < low_below(supply)) return BalanceState::low;
    return BalanceState::ok;
}

}  // namespace

Units TierUnits::sum() const {
    return std::accumulate(of.begin(), of.end(), Units{});
}

TierUnits charged_by(const ResourceLedger& ledger) {
    TierUnits charged;
    for (const Tranche& tranche : ledger.tranches()) charged[tranche.tier] += tranche.used;
    return charged;
}

TierUnits charged_since(const ResourceLedger& ledger, const Supply& supply) {
    TierUnits since = charged_by(ledger);
    for (std::size_t i = 0; i < tier_count; ++i)
        since.of[i] = std::max(Units{}, since.of[i] - supply.charged_at_card.of[i]);
    return since;
}

Standing standing(const ResourceLedger& ledger, const Supply& supply, Amount running, Now now, Amount apart) {
    Standing result;
    result.available_units = ledger.leased(now);
    result.available = ledger.available(now);
    const bool stale = supply.spend_until && now.latest >= *supply.spend_until;
    if (stale) {  // the unit in progress may finish, no new one starts
        const Amount unit = ledger.resource().unit_size;
        const bool begun = ledger.remainder() > Amount{} || running + apart > Amount{};
        const bool in_progress = begun && ledger.leased(now) > Units{};
        result.available = in_progress ? unit - ledger.remainder() : Amount{};
    }
    if (supply.suspect) result.available = Amount{};
    result.available = std::max(Amount{}, result.available - running);
    result.state = state_of(ledger, supply, result.available, now);
    if (result.state == BalanceState::ended) {
        result.reason = "ended";
    } else if (result.state == BalanceState::exhausted) {
        const bool too_old = stale && ledger.leased(now) > Units{};
        result.reason = supply.suspect ? "suspect" : too_old ? "stale" : "exhausted";
    }
    return result;
}

Amount part_of_unit(const ResourceLedger& ledger, Amount running) {
    return Amount{(ledger.remainder() + running).value() % ledger.resource().unit_size.value()};
}

// 100 x available < low_percent x last lease, without leaving the range of the integers.
Amount low_below(const Supply& supply) {
    if (!supply.nothing_to_be_had()) return {};
    const std::int64_t lease = supply.last_lease.value();
    return Amount{lease / 100 * supply.low_percent + (lease % 100 * supply.low_percent + 99) / 100};
}

RunOut run_out(Amount available, std::int64_t sessions) {
    METERBOX_ASSERT(sessions > 0 && available >= Amount{});
    return {available.value() / sessions, available.value() % sessions};
}

}  // namespace meterbox::core
