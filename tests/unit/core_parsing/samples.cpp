#include "tests/unit/core_parsing/samples.hpp"

#include <algorithm>
#include <array>

namespace meterbox::tests {

using namespace meterbox::core;

std::int64_t Samples::integer(std::int64_t min, std::int64_t max) {
    switch (between(0, 4)) {
        case 0:
            return min;
        case 1:
            return max;
        case 2:
            return min + (max - min) / (std::int64_t{1} << between(1, 40));
        default:
            return between(min, max);
    }
}

std::string Samples::text(std::size_t bytes_min, std::size_t bytes_max) {
    static const std::array<std::string, 8> pieces{"a", "Z", "0", "\"", "\\", "/", "\n", "é"};
    std::string result;
    const auto wanted = static_cast<std::size_t>(
        between(static_cast<std::int64_t>(bytes_min), static_cast<std::int64_t>(bytes_max)));
    while (result.size() < wanted) {
        const std::string& piece = pieces[static_cast<std::size_t>(between(0, 7))];
        result += result.size() + piece.size() <= bytes_max ? piece : "x";
    }
    return result;
}

std::string Samples::key() {
    return "k" + std::to_string(serial_++) + (coin() ? ".a" : "-b_");
}

UtcTime Samples::time() {
    return {between(-62'135'596'800'000, 253'402'300'799'999)};
}

Card Samples::card() {
    Card card;
    card.resource = key();
    card.name = text(0, 40);
    card.kind = static_cast<Kind>(between(0, 1));
    card.state = static_cast<BalanceState>(between(0, 4));
    card.reason = text(0, 10);
    card.available_units = units();
    card.purchased_units = units();
    card.leased_units = units();
    card.charged_units = units();
    card.remainder = amount();
    card.unit_size = unit_size();
    card.measure = static_cast<Measure>(between(0, 1));
    card.tiers = list<CardTier>(4, [this] {
        return CardTier{tier(),
                        maybe([this] { return units(); }),
                        maybe([this] { return units(); }),
                        maybe([this] { return time(); }),
                        maybe([this] { return time(); }),
                        list<CardTurn>(3, [this] {
                            return CardTurn{id(),
                                            time(),
                                            units(),
                                            units(),
                                            units(),
                                            maybe([this] { return units(); }),
                                            maybe([this] { return time(); })};
                        })};
    });
    card.ends_at = maybe([this] { return time(); });
    card.refreshes_at = maybe([this] { return time(); });
    card.exhausts_at = maybe([this] { return time(); });
    card.overage_units = units();
    card.enforcement = enforcement();
    card.as_of = time();
    card.payg_open = std::any_of(card.tiers.begin(), card.tiers.end(), [](const CardTier& tier) {
        return tier.tier == Tier::payg && !tier.available_units && !tier.purchased_units;
    });
    return card;
}

Lease Samples::lease() {
    Lease lease;
    lease.account = id();
    lease.epoch = integer(1, limits::counter_max);
    lease.team = key();
    lease.agent = id();
    lease.key_fingerprint = text(64, 64);
    lease.incarnation = integer(1, limits::counter_max);
    lease.session_nonce = text(32, 32);
    lease.number = integer(1, limits::counter_max);
    lease.issued_at = time();
    lease.spend_until = std::max(lease.issued_at, time());
    lease.resources = list<LeaseResource>(4, [this] {
        return LeaseResource{key(), unit_size(), enforcement(), list<LeaseTranche>(4, [this] {
                                 LeaseTranche tranche{key(), tier(), units(limits::units_max), time(), {}};
                                 if (coin()) tranche.ends_at = std::max(tranche.valid_from, time());
                                 tranche.final = coin();
                                 tranche.payg_open = tranche.tier == Tier::payg && coin();
                                 tranche.payg_capped = tranche.tier == Tier::payg && !tranche.payg_open;
                                 return tranche;
                             })};
    });
    lease.cycle_boundaries = {time(), time(), time()};
    std::sort(lease.cycle_boundaries.begin(), lease.cycle_boundaries.end());
    if (coin()) lease.cycle_boundaries.clear();
    lease.policy = {integer(0, limits::counter_max), static_cast<int>(integer(0, 100))};
    return lease;
}

Resource Samples::resource() {
    return {key(),       text(0, 40),  static_cast<Kind>(between(0, 1)), static_cast<Measure>(between(0, 1)),
            unit_size(), enforcement()};
}

wire::LeaseKey Samples::lease_key() {
    const auto coordinate = [this] {
        std::string text(43, 'A');
        for (char& c : text) c = "AZaz09-_"[between(0, 7)];
        return text;
    };
    return {id(), coordinate(), coordinate()};
}

wire::ResourceCounters Samples::counters() {
    wire::ResourceCounters counters;
    counters.resource = key();
    counters.metered = amount();
    counters.remainder = Amount{integer(0, limits::unit_size_max)};
    counters.tranches = list<wire::TrancheCounters>(3, [this] {
        wire::TrancheCounters tranche{key(), units(), units(), {}};
        const std::int64_t hours = between(0, 3);
        UtcHour first = hour_of({between(0, 1'800'000'000'000)});
        for (std::int64_t i = 0; i < hours; ++i) tranche.hours.push_back({{first.number + i}, units()});
        return tranche;
    });
    counters.held = units();
    counters.need = units();
    counters.wanted = units();
    counters.running = amount();
    counters.rate_per_hour = amount();
    counters.idle = coin();
    counters.overage_units = units();
    return counters;
}

}  // namespace meterbox::tests
