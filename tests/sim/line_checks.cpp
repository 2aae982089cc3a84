// Who waits for units, and who got some: no ticket is overtaken (I18).
#include <algorithm>
#include <limits>

#include "account/pool.hpp"
#include "account/tickets.hpp"
#include "tests/sim/invariants.hpp"

namespace meterbox::sim {

namespace {

constexpr std::int64_t no_ticket = std::numeric_limits<std::int64_t>::max();

using Granted = std::map<std::pair<std::string, std::int64_t>, std::int64_t>;  // by agent and tranche
using Left = std::map<std::int64_t, std::int64_t>;  // units by tranche, tokens by pool

bool valid_at(const TrancheRow& tranche, std::int64_t now) {
    return tranche.starts_at <= now && (!tranche.ends_at || now < *tranche.ends_at) && !tranche.ended;
}

Granted granted_of(const AccountView& view) {
    Granted granted;
    for (const auto& [key, holding] : view.holdings)
        granted[{std::get<0>(key), std::get<1>(key)}] += holding.granted;
    return granted;
}

std::int64_t counted_at(const TrancheRow& tranche) {
    return tranche.pool.value_or(tranche.id);
}

struct Gift {
    std::string agent;
    const TrancheRow* tranche = nullptr;
    std::int64_t units = 0;
    std::int64_t place = no_ticket;  // in the line: the number of its ticket
};

// What a commit has given, and what it has left.
class LineLook {
public:
    LineLook(account::Database& database, const AccountView& view, std::vector<Gift> gifts, std::int64_t now)
        : database_(database), view_(view), gifts_(std::move(gifts)), now_(now) {
        for (const TrancheRow& tranche : view_.tranches)
            left_[tranche.id] = std::max(std::int64_t{0}, tranche.available);
    }

    // What the last of these tickets could have had, had nobody been given what `undone` names.
    template <class Undone>
    std::int64_t could_have(const std::vector<const TicketRow*>& line, Undone undone) {
        Left left = left_;
        for (const Gift& gift : gifts_)
            if (undone(gift)) left[counted_at(*gift.tranche)] += gift.units * gift.tranche->rate;
        std::int64_t last = 0;
        for (const TicketRow* ticket : line) last = take(left, *ticket);
        return last;
    }

private:
    // In draw order.
    std::int64_t take(Left& left, const TicketRow& ticket) {
        std::int64_t taken = 0;
        for (const TrancheRow* tranche : drawn_on(ticket)) {
            std::int64_t& there = left[counted_at(*tranche)];
            const std::int64_t here = std::min(ticket.need - taken, there / tranche->rate);
            there -= here * tranche->rate;
            taken += here;
        }
        return taken;
    }

    // Only what is valid now: a unit of the next cycle, leased ahead, is none that anybody could have now.
    const std::vector<const TrancheRow*>& drawn_on(const TicketRow& ticket) {
        const auto [found, added] = draw_order_.try_emplace({ticket.team, ticket.resource});
        if (!added) return found->second;
        account::Pool pool(database_, ticket.team);
        for (const account::Tranche& tranche : pool.of(ticket.resource)) {
            const TrancheRow* row = view_.find(tranche.id);
            if (row->purchased && valid_at(*row, now_)) found->second.push_back(row);
        }
        return found->second;
    }

    account::Database& database_;
    const AccountView& view_;
    std::vector<Gift> gifts_;
    std::int64_t now_;
    Left left_;
    std::map<std::pair<std::string, std::string>, std::vector<const TrancheRow*>> draw_order_;
};

}  // namespace

// Tickets are compared that waited before and after: an agent that came behind them, and was given units,
// must have left as many as each of them could have had without that. Tokens are anybody's: what was given of
// one resource is looked at by who waits for another.
void Invariants::check_line(const AccountView& view) {
    if (view.tickets.empty() && view_->tickets.empty()) return;
    const std::int64_t now = world_.now().ms;
    const auto place_of = [&](const std::string& agent, const std::string& resource) {
        for (const auto& [number, ticket] : view_->tickets)  // which may be gone: it was served
            if (ticket.agent == agent && ticket.resource == resource) return number;
        return no_ticket;
    };
    const Granted before = granted_of(*view_);
    std::vector<Gift> gifts;
    std::set<std::pair<std::string, std::string>> given;  // agent and resource
    for (const auto& [key, granted] : granted_of(view)) {
        const auto& [agent, id] = key;
        const TrancheRow* const tranche = view.find(id);
        // A slot that comes along with a remainder is nobody else's, nor is what its lease says that the
        // account had forgotten.
        const std::int64_t units = granted - value_of(before, key) - value_of(had_already_, key);
        if (units <= 0 || !tranche->purchased || !valid_at(*tranche, now)) continue;
        gifts.push_back({agent, tranche, units, place_of(agent, tranche->resource)});
        given.insert({agent, tranche->resource});
    }
    for (const auto& [number, ticket] : view_->tickets) {
        if (given.contains({ticket.agent, ticket.resource})) world_.tally.saw("ticket served");
        const bool gone = !view.tickets.contains(number);
        const bool silent = now - ticket.polled_at > account::ticket_timeout_ms;
        if (gone && silent) world_.tally.saw("ticket given up");
    }
    if (gifts.empty()) return;
    std::set<std::string> agents;
    for (const Gift& gift : gifts) agents.insert(gift.agent);
    LineLook look(account_.store().database(), view, gifts, now);
    for (const std::string& agent : agents) {
        // A custody is served before the agent whose message it was.
        const bool first = AccountView::custodian(agent);
        const auto later = [&](const Gift& gift) { return first && gift.agent != agent; };
        std::vector<const TicketRow*> line;
        for (const auto& [number, ticket] : view.tickets) {
            const bool waited = view_->tickets.contains(number);
            if (!waited || ticket.agent == agent || ticket.team != view.team_of.at(agent)) continue;
            // Given up, though no sync has deleted it: an operator's command had custody looked at.
            if (now - ticket.polled_at > account::ticket_timeout_ms) continue;
            line.push_back(&ticket);
            const auto behind = [&, place = number](const Gift& gift) {
                return later(gift) || (gift.agent == agent && gift.place > place);
            };
            const auto overtook = std::ranges::find_if(
                gifts, [&](const Gift& gift) { return gift.agent == agent && behind(gift); });
            if (overtook == gifts.end()) continue;
            SIM_REQUIRE(look.could_have(line, later) >= look.could_have(line, behind),
                        "I18: no ticket is overtaken: " + agent + " was given " +
                            overtook->tranche->resource + " before " + ticket.agent + " its " +
                            ticket.resource);
        }
    }
}

}  // namespace meterbox::sim
