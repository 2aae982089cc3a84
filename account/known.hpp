// What is known of an agent's counters, row by row: read here, and written here by whoever grants and takes
// counters. Each question stands here once, in the same words for all who ask, so that a database that is far
// away is asked once.
#pragma once

#include <map>
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
    core::Amount told;        // usage by hour, all hours and subjects together
};
KnownUsage known_usage(Database& database, const Agent& agent, const std::string& resource);

// The same for one job, in which nobody else writes of this agent's counters: asked once, and remembered as
// it is written. The agent's incarnation stays as it is meanwhile.
class Known {
public:
    Known(Database& database, const Agent& agent) : database_(database), agent_(agent) {}

    const Agent& agent() const { return agent_; }
    // References hold until this ends.
    const KnownHolding& holding(std::int64_t tranche);
    core::Units left(std::int64_t tranche) { return holding(tranche).holding.left(); }
    const KnownUsage& usage(const std::string& resource);

    // More units of a tranche. since: when their first slot can be taken.
    void lease(std::int64_t tranche, core::Units units, core::UtcTime since);
    // in_hours: of what was used, as much is said by hour.
    void take(std::int64_t tranche, const Growth& growth, std::int64_t in_hours);
    void take(const std::string& resource, const KnownUsage& said, core::Amount rate_per_hour);
    // Of a message in which nothing else of the resource is new.
    void tell(const std::string& resource, core::Amount told);

private:
    Database& database_;
    const Agent& agent_;
    std::map<std::int64_t, KnownHolding> holdings_;
    std::map<std::string, KnownUsage> usages_;
};

}  // namespace meterbox::account
