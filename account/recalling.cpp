// Resource by resource: what is held, what is needed, who waits.
#include "account/recalling.hpp"

#include <algorithm>

#include "account/known.hpp"
#include "account/leasing.hpp"
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
        const Units units = units_to_recall(held.by_agent - begun - counters.need, idle,
                                            line.others.value() > 0, held.available, agents);
        if (units.value() == 0) continue;
        recalled.units.push_back({counters.resource, units});
        recalled.soon = recalled.soon || line.others.value() > 0;
    }
    return recalled;
}

}  // namespace meterbox::account
