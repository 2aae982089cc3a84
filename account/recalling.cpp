// Resource by resource: what is held, what is needed, who waits.
#include "account/recalling.hpp"

#include <algorithm>

#include "account/known.hpp"
#include "account/leasing.hpp"
#include "account/set_aside.hpp"
#include "account/sizing.hpp"

namespace meterbox::account {

using core::Units;

namespace {

// Of the limited tranches that are valid.
struct Held {
    Units by_agent;   // G - U - R
    Units available;  // A
};

Held held_by(Pool& pool, Known& known, const std::string& resource, core::UtcTime now) {
    Held held;
    for (const Tranche& tranche : pool.of(resource)) {
        if (!tranche.valid_at(now) || tranche.open()) continue;
        held.available += std::max(Units{}, tranche.available);
        held.by_agent += known.left(tranche.id);
    }
    return held;
}

// An agent gives back from the last tranche in draw order on: as much of what it has to spare as reaches the
// last of what comes out of these pools.
Units units_down_to(const std::set<std::int64_t>& pools, std::span<const Tranche> tranches, Known& known,
                    Units spare, core::UtcTime now) {
    Units passed;
    Units reached;
    for (std::size_t i = pools.empty() ? 0 : tranches.size(); i-- > 0 && passed < spare;) {
        const Tranche& tranche = tranches[i];
        if (!tranche.valid_at(now) || tranche.open()) continue;
        const Units here = std::min(spare - passed, known.left(tranche.id));
        passed += here;
        if (here.value() > 0 && tranche.pool && pools.contains(tranche.pool->id)) reached = passed;
    }
    return reached;
}

}  // namespace

Recalled recall(Pool& pool, const Catalogue& catalogue, Known& known, const Settings& settings,
                const Tickets& tickets, const std::vector<core::wire::ResourceCounters>& asked,
                core::UtcTime now, std::int64_t agents) {
    Recalled recalled;
    recalled.soon = tickets.name_of_own().has_value();
    if (pool.learning()) return recalled;
    for (const core::wire::ResourceCounters& counters : asked) {
        const auto resource = std::ranges::find(catalogue.resources, counters.resource, &core::Resource::key);
        if (resource == catalogue.resources.end() || !has_reserve(*resource)) continue;
        const Line line = tickets.line(counters.resource);
        if (line.own && line.older.value() == 0) continue;  // it is the first of those who wait
        const KnownUsage& activity = known.usage(counters.resource);
        const Held held = held_by(pool, known, counters.resource, now);
        const Units begun = units_begun(activity.remainder + counters.running, resource->unit_size);
        const bool idle = now - activity.active_at >= settings.idle_ms;
        const Units spare = held.by_agent - begun - counters.need;
        const Units tokens = units_down_to(pools_waited_for(pool, tickets.all(), counters.resource, now),
                                           pool.of(counters.resource), known, spare, now);
        const Units units =
            std::max(tokens, units_to_recall(spare, idle, line.others.value() > 0, held.available, agents));
        if (units.value() == 0) continue;
        recalled.units.push_back({counters.resource, units});
        recalled.soon = recalled.soon || line.others.value() > 0 || tokens.value() > 0;
    }
    return recalled;
}

}  // namespace meterbox::account
