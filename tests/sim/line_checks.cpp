// Who waits for units, and who got some: no ticket is overtaken (I18).
#include <limits>

#include "account/tickets.hpp"
#include "tests/sim/invariants.hpp"

namespace meterbox::sim {

namespace {

using Granted = std::map<std::pair<std::string, std::string>, std::int64_t>;  // by agent and resource

bool valid_at(const TrancheRow& tranche, std::int64_t now) {
    return tranche.starts_at <= now && (!tranche.ends_at || now < *tranche.ends_at);
}

// Only what is valid now: a unit of the next cycle, leased ahead, is none that anybody could have now.
Granted granted_of(const AccountView& view, std::int64_t now) {
    Granted granted;
    for (const auto& [key, holding] : view.holdings) {
        const TrancheRow& tranche = *view.find(std::get<1>(key));
        if (tranche.purchased && valid_at(tranche, now))
            granted[{std::get<0>(key), tranche.resource}] += holding.granted;
    }
    return granted;
}

std::int64_t unleased(const AccountView& view, const TicketRow& of, std::int64_t now) {
    std::int64_t sum = 0;
    for (const TrancheRow& tranche : view.tranches)
        if (valid_at(tranche, now) && tranche.team == of.team && tranche.resource == of.resource)
            sum += view.unleased(tranche);
    return sum;
}

}  // namespace

// Tickets are compared that waited before and after: an agent that came behind them, and was given units,
// must have left as many as they need.
void Invariants::check_line(const AccountView& view) {
    if (view.tickets.empty() && view_->tickets.empty()) return;
    const Granted before = granted_of(*view_, world_.now().ms);
    const Granted after = granted_of(view, world_.now().ms);
    const auto given = [&](const std::string& agent, const std::string& resource) {
        const auto was = before.find({agent, resource});
        const auto is = after.find({agent, resource});
        if (is == after.end()) return std::int64_t{0};
        // A slot that comes along with a remainder is nobody else's, nor is what its lease says that the
        // account had forgotten.
        const auto had = had_already_.find({agent, resource});
        const std::int64_t came_along = had == had_already_.end() ? 0 : had->second;
        return is->second - (was == before.end() ? 0 : was->second) - came_along;
    };
    for (const auto& [number, ticket] : view_->tickets) {
        if (given(ticket.agent, ticket.resource) > 0) world_.tally.saw("ticket served");
        const bool gone = !view.tickets.contains(number);
        const bool silent = world_.now().ms - ticket.polled_at > account::ticket_timeout_ms;
        if (gone && silent) world_.tally.saw("ticket given up");
    }
    for (const auto& [key, granted] : after) {
        const auto& [agent, resource] = key;
        if (given(agent, resource) <= 0) continue;
        // Its own place: the ticket may be gone, for it was served.
        std::int64_t own = std::numeric_limits<std::int64_t>::max();
        for (const auto& [number, ticket] : view_->tickets)
            if (ticket.agent == agent && ticket.resource == resource) own = std::min(own, number);
        std::int64_t needed = 0;
        const TicketRow* waiting = nullptr;
        for (const auto& [number, ticket] : view.tickets) {
            const bool same = ticket.resource == resource && view_->tickets.contains(number);
            if (number >= own) break;
            const bool same_team = view.team_of.at(agent) == ticket.team;
            if (!same || !same_team || ticket.agent == agent) continue;
            needed += ticket.need;
            waiting = &ticket;
        }
        SIM_REQUIRE(waiting == nullptr || unleased(view, *waiting, world_.now().ms) >= needed,
                    "I18: no ticket is overtaken: " + agent + " was given " + resource + " before " +
                        (waiting == nullptr ? "" : waiting->agent));
    }
}

}  // namespace meterbox::sim
