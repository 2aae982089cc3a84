// The tables holding and agent_resource.
#include "account/known.hpp"

namespace meterbox::account {

using core::Units;

KnownHolding known_holding(Database& database, const std::string& agent, std::int64_t incarnation,
                           std::int64_t tranche) {
    return database
        .first(
            "SELECT granted, used, returned, in_hours, since FROM holding WHERE agent = ? AND incarnation = "
            "? AND tranche = ?",
            [](auto& row) {
                return KnownHolding{
                    {Units{row.integer(0)}, Units{row.integer(1)}, Units{row.integer(2)}, {row.integer(4)}},
                    row.integer(3)};
            },
            agent, incarnation, tranche)
        .value_or(KnownHolding{});
}

KnownUsage known_usage(Database& database, const Agent& agent, const std::string& resource) {
    return database
        .first(
            "SELECT metered, remainder, overage_units, held, active_at FROM agent_resource WHERE agent = ? "
            "AND incarnation = ? AND resource = ?",
            [](auto& row) {
                return KnownUsage{true,
                                  core::Amount{row.integer(0)},
                                  core::Amount{row.integer(1)},
                                  Units{row.integer(2)},
                                  Units{row.integer(3)},
                                  {row.integer(4)}};
            },
            agent.id, agent.incarnation, resource)
        .value_or(KnownUsage{});
}

}  // namespace meterbox::account
