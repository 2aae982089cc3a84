// Units of the cycle that comes next, leased ahead, so that an agent which is offline when it begins goes on
// (R9). Of each tranche that follows one that is valid, an agent gets as many as it has left of that one, at
// most P / 2N: no agent takes more of a cycle that nobody has used yet than its share of half of it.
#pragma once

#include "account/agents.hpp"
#include "account/catalogue.hpp"
#include "account/database.hpp"
#include "account/known.hpp"
#include "account/ledger.hpp"
#include "account/pool.hpp"
#include "account/settings.hpp"

namespace meterbox::account {

// After everything else was leased. What begins only after the lease's end gives nothing yet.
void lease_next_cycle(Ledger& ledger, Pool& pool, const Catalogue& catalogue, Known& known,
                      const Settings& settings, std::int64_t agents);

// How many to lease of the next tranche: `left` of the present one and `held` of the next one are the
// agent's, `agents` (N >= 1) share it.
core::Units units_of_next_cycle(const Tranche& next, core::Units left, core::Units held, std::int64_t agents);

}  // namespace meterbox::account
