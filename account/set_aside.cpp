#include "account/set_aside.hpp"

#include <algorithm>
#include <vector>

#include "account/stock.hpp"
#include "core/mutant.hpp"

namespace meterbox::account {

using core::Units;

namespace {

// Of the same resource one after the other they are one claim.
void add(std::vector<Claim>& claims, const Ticket& ticket) {
    if (claims.empty() || claims.back().resource != ticket.resource) claims.push_back({ticket.resource, {}});
    claims.back().need += ticket.need;
}

Units limited_units(std::span<const Tranche> tranches, core::UtcTime now) {
    Units available;
    for (const Tranche& tranche : tranches)
        if (tranche.valid_at(now) && !tranche.open()) available += std::max(Units{}, tranche.available);
    return available;
}

}  // namespace

SetAside set_aside(Pool& pool, std::span<const Ticket> line, const std::string& agent,
                   const std::string& resource, core::UtcTime now) {
    const Line of_it = line_for(line, agent, resource);
    const SetAside units{of_it.older, of_it.others};
    const auto waits_for_another = [&](const Ticket& ticket) { return ticket.resource != resource; };
    if (std::ranges::none_of(line, waits_for_another)) return units;
    std::vector<Claim> older;   // of others
    std::vector<Claim> before;  // a reserve comes after all who wait, the agent for another resource, too
    for (const Ticket& ticket : line) {
        const bool own = ticket.agent == agent;
        if (own && ticket.resource == resource) continue;
        add(before, ticket);
        if (!own && (!of_it.own || ticket.number < of_it.own->number)) add(older, ticket);
    }
    Stock stock;
    stock.add(resource, pool.of(resource), now);
    bool shares = false;
    for (const Claim& claim : before) {
        stock.add(claim.resource, pool.of(claim.resource), now);
        shares = shares || (claim.resource != resource && stock.share(resource, claim.resource));
    }
    if (!shares || METERBOX_MUTANT(tokens_overtaken)) return units;
    const Units available = limited_units(pool.of(resource), now);
    return {available - stock.beyond(resource, older, Rest::given),
            available - stock.beyond(resource, before, Rest::kept)};
}

std::set<std::int64_t> pools_waited_for(Pool& pool, std::span<const Ticket> line, const std::string& resource,
                                        core::UtcTime now) {
    std::set<std::int64_t> pools;
    for (const Ticket& ticket : line) {
        if (ticket.resource == resource) continue;
        for (const Tranche& tranche : pool.of(ticket.resource))
            if (tranche.pool && tranche.valid_at(now)) pools.insert(tranche.pool->id);
    }
    return pools;
}

}  // namespace meterbox::account
