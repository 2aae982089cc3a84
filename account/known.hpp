// What is known of an agent's counters, row by row. Each question stands here once, in the same words for all
// who ask, so that a database that is far away is asked once.
#pragma once

#include <string>

#include "account/agents.hpp"
#include "account/booking.hpp"
#include "account/database.hpp"

namespace meterbox::account {

struct KnownHolding {
    Holding holding;
    std::int64_t in_hours = 0;  // of its used units, those that are known by hour
};
// Of an agent's incarnation and a tranche; nothing was leased: zeros.
KnownHolding known_holding(Database& database, const std::string& agent, std::int64_t incarnation,
                           std::int64_t tranche);
inline core::Units known_left(Database& database, const Agent& agent, std::int64_t tranche) {
    return known_holding(database, agent.id, agent.incarnation, tranche).holding.left();
}

struct KnownUsage {
    bool any = false;        // it was heard of before
    core::Amount metered;    // M
    core::Amount remainder;  // q
    core::Units overage_units;
    core::Units held;         // H
    core::UtcTime active_at;  // it last used some of it, or needed some
};
KnownUsage known_usage(Database& database, const Agent& agent, const std::string& resource);

}  // namespace meterbox::account
