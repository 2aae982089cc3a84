// Taking an agent's counters into the account: first everything is checked, then everything is
// written, so that a refused message leaves no trace but its evidence. What grew is charged and given
// back through the ledger; the rules are those of booking.hpp.
#pragma once

#include <vector>

#include "account/agents.hpp"
#include "account/catalogue.hpp"
#include "account/database.hpp"
#include "account/known.hpp"
#include "account/ledger.hpp"
#include "account/pool.hpp"
#include "core/error.hpp"
#include "core/wire.hpp"

namespace meterbox::account {

struct CounterMessage {
    const std::vector<core::wire::ResourceCounters>& resources;
    const std::vector<core::wire::UsageRow>& usage;
    bool later = false;             // than every message seen before, so that nothing in it may have fallen
    std::int64_t rolled_up_to = 0;  // usage of hours before this one may be in its month's sum
};

// invalid: names what doesn't exist, or twice the same. conflict: what no honest agent says; it
// was kept as evidence.
[[nodiscard]] core::Result<void> take_counters(Database& database, Ledger& ledger, Pool& pool,
                                               const Catalogue& catalogue, Known& known,
                                               const CounterMessage& message);

}  // namespace meterbox::account
