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
            "SELECT metered, remainder, overage_units, held, active_at, told FROM agent_resource WHERE agent "
            "= ? AND incarnation = ? AND resource = ?",
            [](auto& row) {
                return KnownUsage{true,
                                  core::Amount{row.integer(0)},
                                  core::Amount{row.integer(1)},
                                  Units{row.integer(2)},
                                  Units{row.integer(3)},
                                  {row.integer(4)},
                                  core::Amount{row.integer(5)}};
            },
            agent.id, agent.incarnation, resource)
        .value_or(KnownUsage{});
}

const KnownHolding& Known::holding(std::int64_t tranche) {
    const auto known = holdings_.find(tranche);
    if (known != holdings_.end()) return known->second;
    return holdings_[tranche] = known_holding(database_, agent_.id, agent_.incarnation, tranche);
}

const KnownUsage& Known::usage(const std::string& resource) {
    const auto known = usages_.find(resource);
    if (known != usages_.end()) return known->second;
    return usages_[resource] = known_usage(database_, agent_, resource);
}

void Known::lease(std::int64_t tranche, Units units, core::UtcTime since) {
    holding(tranche);
    holdings_[tranche].holding.granted += units;
    database_.run(
        "INSERT INTO holding (agent, incarnation, tranche, granted, used, returned, in_hours, since) "
        "VALUES (?, ?, ?, ?, 0, 0, 0, ?) ON CONFLICT (agent, incarnation, tranche) DO UPDATE SET "
        "granted = holding.granted + excluded.granted",
        agent_.id, agent_.incarnation, tranche, units, since);
}

void Known::take(std::int64_t tranche, const Growth& growth, std::int64_t in_hours) {
    holding(tranche);
    KnownHolding& known = holdings_[tranche];
    known.holding.used += growth.used;
    known.holding.returned += growth.returned;
    known.in_hours += in_hours;
    database_.run(
        "UPDATE holding SET used = used + ?, returned = returned + ?, in_hours = in_hours + ? "
        "WHERE agent = ? AND incarnation = ? AND tranche = ?",
        growth.used, growth.returned, in_hours, agent_.id, agent_.incarnation, tranche);
}

void Known::take(const std::string& resource, const KnownUsage& said, core::Amount rate_per_hour) {
    usages_[resource] = said;
    database_.run(
        "INSERT INTO agent_resource (agent, incarnation, resource, metered, remainder, overage_units, "
        "rate_per_hour, active_at, held, told) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT "
        "(agent, incarnation, resource) DO UPDATE SET held = excluded.held, "
        "metered = excluded.metered, remainder = excluded.remainder, "
        "overage_units = excluded.overage_units, rate_per_hour = excluded.rate_per_hour, "
        "active_at = excluded.active_at, told = excluded.told",
        agent_.id, agent_.incarnation, resource, said.metered, said.remainder, said.overage_units,
        rate_per_hour, said.active_at, said.held, said.told);
}

void Known::tell(const std::string& resource, core::Amount told) {
    usage(resource);
    usages_[resource].told = told;
    database_.run("UPDATE agent_resource SET told = ? WHERE agent = ? AND incarnation = ? AND resource = ?",
                  told, agent_.id, agent_.incarnation, resource);
}

}  // namespace meterbox::account
