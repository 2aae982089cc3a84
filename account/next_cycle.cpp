#include "account/next_cycle.hpp"

#include <algorithm>

#include "account/known.hpp"

namespace meterbox::account {

using core::Units;

namespace {

// The tranche of the same grant that is valid now and ends where `next` begins.
const Tranche* present_of(std::span<const Tranche> tranches, const Tranche& next, core::UtcTime now) {
    const auto found = std::ranges::find_if(tranches, [&](const Tranche& tranche) {
        return tranche.grant == next.grant && tranche.valid_at(now) && tranche.ends_at == next.starts_at;
    });
    return found == tranches.end() ? nullptr : &*found;
}

}  // namespace

Units units_of_next_cycle(const Tranche& next, Units left, Units held, std::int64_t agents) {
    if (next.open()) return std::max(Units{}, left - held);
    const Units share{next.purchased->value() / 2 / agents};
    return std::min(std::max(Units{}, next.available), std::max(Units{}, std::min(left, share) - held));
}

void lease_next_cycle(Ledger& ledger, Pool& pool, const Catalogue& catalogue, Known& known,
                      const Settings& settings, std::int64_t agents) {
    const core::UtcTime now = ledger.now();
    for (const core::Resource& resource : catalogue.resources) {
        if (resource.kind == core::Kind::returnable || resource.enforcement == core::Enforcement::none)
            continue;
        const auto tranches = pool.of(resource.key);
        for (Tranche& next : tranches) {
            const bool in_reach = next.starts_at > now && next.starts_at < now + settings.offline_horizon_ms;
            const Tranche* present = in_reach ? present_of(tranches, next, now) : nullptr;
            if (!present || next.ended) continue;
            // Of open payg what is beyond the exposure is used already, of the present cycle.
            const Units most = next.open() ? settings.payg_exposure : Units{core::limits::counter_max};
            const Units left = std::min(known.left(present->id), most);
            const Units units = units_of_next_cycle(next, left, known.left(next.id), agents);
            if (units.value() == 0) continue;
            const Holder holder{known.agent().id, known.agent().incarnation};
            ledger.move(next, next.open() ? Place::purchase : Place::available, Place::leased, units,
                        "next cycle", &holder);
            // Its first slot can't be taken before it begins.
            known.lease(next.id, units, next.starts_at);
        }
    }
}

}  // namespace meterbox::account
