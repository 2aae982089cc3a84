// A team's card of one resource, made from its tranches (contract: A card, the account's column).
// Pure. Leased units count as available here: only what is charged or in doubt is gone.
#pragma once

#include <span>

#include "account/tranche.hpp"
#include "core/card.hpp"
#include "core/resource.hpp"

namespace meterbox::account {

// What the team's agents hold of a resource beside units: sums over all agents.
struct PoolTotals {
    core::Amount remainder;
    core::Units overage_units;
    core::Units held{0};  // H, of a returnable resource
};

// tranches: the team's of this resource; those not valid now only tell `ended` from `exhausted`.
// had_grants: the team ever had one, though its tranches may not be in the list any more.
core::Card make_card(const core::Resource& resource, std::span<const Tranche> tranches, bool had_grants,
                     PoolTotals totals, int low_percent, core::UtcTime now);

}  // namespace meterbox::account
