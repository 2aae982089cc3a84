// Judging what an agent says of its counters, before anything of it is written: what grew, or why the
// whole message is refused. Reads, and writes nothing.
#pragma once

#include <string>
#include <vector>

#include "account/agents.hpp"
#include "account/booking.hpp"
#include "account/catalogue.hpp"
#include "account/counters.hpp"
#include "account/database.hpp"
#include "account/known.hpp"
#include "account/pool.hpp"
#include "account/usage_check.hpp"

namespace meterbox::account {

struct HourChange {
    core::UtcHour hour;
    core::Units total;   // the new one
    core::Units growth;  // > 0
};

struct TrancheChange {
    std::int64_t tranche = 0;
    std::string resource;
    Holding seen;
    Growth growth;
    std::vector<HourChange> hours;
};

struct ResourceChange {
    std::string resource;
    core::Amount metered;
    core::Amount remainder;
    core::Units overage_units;
    core::Amount rate_per_hour;
    bool active = false;  // something was metered since, runs or is needed
    core::Units held;     // H
    KnownUsage seen;      // what the team's sums hold of this agent
};

// What a message changes.
struct CounterChanges {
    std::vector<TrancheChange> tranches;
    std::vector<ResourceChange> resources;
    UsageTold usage;
};

// invalid, conflict: as take_counters. Loads into the pool what the message names and has ended.
[[nodiscard]] core::Result<CounterChanges> check_counters(Database& database, Pool& pool,
                                                          const Catalogue& catalogue, Known& known,
                                                          const CounterMessage& message);

}  // namespace meterbox::account
