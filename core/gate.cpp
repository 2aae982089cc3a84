#include "core/gate.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "core/assert.hpp"
#include "core/limits.hpp"
#include "core/mutant.hpp"

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
    if (!counts(ledger.resource().enforcement)) return BalanceState::ok;
    if (!supply.team) return BalanceState::unknown;
    if (has_ended(ledger, supply, now)) return BalanceState::ended;
    const bool out = supply.nothing_to_be_had() || supply.silent;
    if (supply.suspect || (available == Amount{} && out)) return BalanceState::exhausted;
    if (ledger.holds_open_payg(now)) return BalanceState::ok;
    if (team_is_low(ledger, supply) || available < low_below(supply)) return BalanceState::low;
    return BalanceState::ok;
}

bool is_stale(const Supply& supply, UtcTime now) {
    return supply.spend_until && now >= *supply.spend_until;
}

// What the team had free when it was last asked, unless all of it has ended since. What is held beyond what
// is leased, here or elsewhere, takes of it first: the card shows no less than 0 as available.
Units free_elsewhere(const ResourceLedger& ledger, const Supply& supply, Units opening, Now now) {
    if (!supply.reachable || supply.suspect || !supply.team) return {};
    const Card& card = *supply.team;
    if (card.ends_at && now.latest >= *card.ends_at) return {};
    const Units missing_here = ledger.held() + opening - ledger.leased(now);
    const Units missing = std::max(card.overage_units, missing_here);
    const Units all = std::min(card.purchased_units, card.available_units + card.charged_units);
    return std::max(Units{}, all - card.leased_units - missing);
}

// Whether something would be there at another moment that the clocks allow for.
bool clock_is_why(const ResourceLedger& ledger, const Supply& supply, Now now) {
    if (now.earliest >= now.latest) return false;
    if (ledger.leased(now) > Units{}) return is_stale(supply, now.latest) && !is_stale(supply, now.earliest);
    if (ledger.may_be_leased(now)) return true;
    const bool known = supply.team && supply.team->state != BalanceState::ended;
    return known && supply.team->ends_at && now.latest >= *supply.team->ends_at &&
           now.earliest < *supply.team->ends_at;
}

// R10: capacity that is checked out and comes back. What is held stays held, whatever this says.
Standing standing_of_capacity(const ResourceLedger& ledger, const Supply& supply, Units opening, Now now) {
    Standing result;
    result.available_units =
        free_here(ledger, supply, opening, now) + free_elsewhere(ledger, supply, opening, now);
    result.available = usage_of(result.available_units, ledger.resource().unit_size);
    const bool soft = ledger.resource().enforcement == Enforcement::soft;
    const bool none = result.available_units == Units{};
    if (ledger.resource().enforcement == Enforcement::none) {
        result.state = BalanceState::ok;
    } else if (!supply.team) {
        result.state = BalanceState::unknown;
    } else if (has_ended(ledger, supply, now)) {
        result.state = soft ? BalanceState::low : BalanceState::ended;
    } else if (none) {
        result.state = soft ? BalanceState::low : BalanceState::exhausted;
    } else {
        result.state = team_is_low(ledger, supply) ? BalanceState::low : BalanceState::ok;
    }
    const bool stale = is_stale(supply, now.latest);
    if (result.state == BalanceState::ended) result.reason = "ended";
    if (result.state == BalanceState::exhausted)
        result.reason = supply.suspect ? "suspect" : stale ? "stale" : "exhausted";
    if ((result.reason == "ended" || result.reason == "stale") && clock_is_why(ledger, supply, now))
        result.reason = "clock";
    return result;
}

// Past spend-until the units that had begun may finish, no new one starts.
Amount rest_of_begun(const ResourceLedger& ledger, const Supply& supply, Amount running) {
    const Units begun = supply.begun_when_stale.value_or(units_begun(ledger, running));
    const Units left = std::max(Units{}, begun - ledger.completed());
    if (left == Units{}) return {};
    return usage_of(left, ledger.resource().unit_size) - ledger.remainder();
}

std::string_view reason_of(const ResourceLedger& ledger, const Supply& supply, BalanceState state, Now now) {
    const bool enforced = counts(ledger.resource().enforcement);
    if (supply.suspect && enforced && state != BalanceState::ended) return "suspect";
    if (state != BalanceState::ended && state != BalanceState::exhausted) return {};
    if (clock_is_why(ledger, supply, now)) return "clock";
    if (state == BalanceState::ended) return "ended";
    return is_stale(supply, now.latest) && ledger.leased(now) > Units{} ? "stale" : "exhausted";
}

}  // namespace

Units free_here(const ResourceLedger& ledger, const Supply& supply, Units opening, Now now) {
    if (supply.suspect || is_stale(supply, now.latest)) return {};
    return std::max(Units{}, ledger.leased(now) - ledger.held() - opening);
}

Units overage_units(const ResourceLedger& ledger, Now now) {
    if (ledger.resource().kind != Kind::returnable) return ledger.overage_units();
    return counts(ledger.resource().enforcement) ? ledger.held_beyond(now) : Units{};
}

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

bool Supply::begin_cycle(Now now) {
    if (!cycle_begins_at) return false;
    if (now.latest < *cycle_begins_at) {
        cycle_begun.reset();  // a clock that was ahead
        return false;
    }
    const bool begun_before = cycle_begun == cycle_begins_at && !METERBOX_MUTANT(cycle_begun_again);
    cycle_begun = std::exchange(cycle_begins_at, std::nullopt);
    final = false;
    if (begun_before) return false;
    refused = false;
    return true;
}

Standing standing(const ResourceLedger& ledger, const Supply& supply, Amount running, Now now, Amount apart) {
    if (ledger.resource().kind == Kind::returnable)
        return standing_of_capacity(ledger, supply, Units{running.value()}, now);
    Standing result;
    result.available_units = std::max(Units{}, ledger.leased(now) - ledger.overage_units());
    result.available = ledger.available(now);
    if (is_stale(supply, now.latest))
        result.available = std::min(result.available, rest_of_begun(ledger, supply, running + apart));
    if (supply.suspect) result.available = Amount{};
    result.available = std::max(Amount{}, result.available - running);
    result.state = state_of(ledger, supply, result.available, now);
    result.reason = reason_of(ledger, supply, result.state, now);
    return result;
}

Amount part_of_unit(const ResourceLedger& ledger, Amount running) {
    return Amount{(ledger.remainder() + running).value() % ledger.resource().unit_size.value()};
}

Units units_begun(const ResourceLedger& ledger, Amount running) {
    const std::int64_t unit = ledger.resource().unit_size.value();
    const std::int64_t all = (ledger.metered() + running).value();
    return Units{all / unit + (all % unit > 0 ? 1 : 0)};
}

// 100 x available < low_percent x last lease, without leaving the range of the integers.
Amount low_below(const Supply& supply) {
    if (!supply.nothing_to_be_had()) return {};
    const std::int64_t lease = supply.last_lease.value();
    return Amount{lease / 100 * supply.low_percent + (lease % 100 * supply.low_percent + 99) / 100};
}

Amount ask_below(const Supply& supply) {
    const Amount exposure = std::min(supply.last_exposure, supply.last_lease);
    const Amount limited = supply.last_lease - exposure;
    if (limited == Amount{}) return Amount{exposure.value() / 2};
    return exposure + Amount{limited.value() / 2};
}

std::optional<std::int64_t> lasts_ms(Amount available, Amount rate_per_hour) {
    if (rate_per_hour <= Amount{}) return std::nullopt;
    __extension__ using Wide = __int128;
    const Wide ms = Wide{available.value()} * hour_ms / rate_per_hour.value();
    if (ms > Wide{limits::forecast_ms_max}) return std::nullopt;
    return static_cast<std::int64_t>(ms);
}

}  // namespace meterbox::core
