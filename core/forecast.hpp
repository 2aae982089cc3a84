// How long what an agent was leased lasts, tranche by tranche: each gives up to its own end and no
// longer, overage and the unit in progress take their units first (R9, I5), and past spend-until only
// what has begun is finished. Pure: what a product runs to without its daemon must never be more.
#pragma once

#include <cstdint>
#include <optional>

#include "core/card.hpp"
#include "core/gate.hpp"
#include "core/ledger.hpp"
#include "core/quantity.hpp"
#include "core/time.hpp"

namespace meterbox::core {

// In ms from now on, at this rate of usage by the hour. running: usage that is not in the ledger yet.
// None: nothing runs, or it lasts longer than anybody looks ahead.
std::optional<std::int64_t> lease_lasts_ms(const ResourceLedger& ledger, const Supply& supply, Amount running,
                                           Amount rate_per_hour, Now now);

// The same for what a team's card shows, tier by tier, and grant by grant where it says of them (turns), each
// up to its own end. None also where it lasts to
// the next refresh.
std::optional<std::int64_t> card_lasts_ms(const Card& card, Amount rate_per_hour, UtcTime now);

}  // namespace meterbox::core
