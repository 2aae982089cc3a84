// The table ticket.
#include "account/tickets.hpp"

#include <algorithm>

#include "core/limits.hpp"

namespace meterbox::account {

using core::Units;

namespace {

// An agent may say any need, and those of a team are added up.
Units bounded(Units need) {
    return std::min(need, Units{core::limits::units_max});
}

}  // namespace

std::vector<Ticket> tickets_of(Database& database, const std::string& team) {
    std::vector<Ticket> tickets;
    database.each(
        "SELECT number, agent, resource, need, polled_at FROM ticket WHERE team = ? ORDER BY number",
        [&](auto& row) {
            const Units need = bounded(Units{row.integer(3)});  // a version of before kept any
            tickets.push_back({row.integer(0), row.string(1), row.string(2), need, {row.integer(4)}});
        },
        team);
    return tickets;
}

bool is_given_up(const Ticket& ticket, const std::string& heard, core::UtcTime now) {
    return ticket.agent != heard && now - ticket.polled_at > ticket_timeout_ms;
}

Line line_for(std::span<const Ticket> tickets, const std::string& agent, const std::string& resource) {
    Line line;
    for (const Ticket& ticket : tickets) {
        if (ticket.resource != resource) continue;
        if (ticket.agent == agent) {
            line.own = ticket;
            continue;
        }
        line.others += ticket.need;
        if (!line.own) line.older += ticket.need;
    }
    return line;
}

Tickets::Tickets(Database& database, const Agent& agent, core::UtcTime now)
    : database_(database), agent_(agent), now_(now), waiting_(tickets_of(database, agent.team)) {
    std::erase_if(waiting_, [&](const Ticket& ticket) {
        const bool given_up = is_given_up(ticket, agent_.id, now_);
        if (given_up) database_.run("DELETE FROM ticket WHERE number = ?", ticket.number);
        return given_up;
    });
}

void Tickets::served(const std::string& resource, Units lacking) {
    const std::optional<Ticket> own = line(resource).own;
    if (!own && lacking.value() <= 0) return;
    lacking = bounded(lacking);
    if (!own) {
        const std::int64_t number = database_.number(
            "INSERT INTO ticket (team, agent, resource, need, opened_at, polled_at) VALUES (?, ?, ?, ?, ?, "
            "?) RETURNING number",
            agent_.team, agent_.id, resource, lacking, now_, now_);
        waiting_.push_back({number, agent_.id, resource, lacking, now_});
        return;
    }
    const auto place = std::ranges::find(waiting_, own->number, &Ticket::number);
    if (lacking.value() <= 0) {
        database_.run("DELETE FROM ticket WHERE number = ?", own->number);
        waiting_.erase(place);
        return;
    }
    database_.run("UPDATE ticket SET need = ?, polled_at = ? WHERE number = ?", lacking, now_, own->number);
    place->need = lacking;
    place->polled_at = now_;
}

std::optional<std::string> Tickets::name_of_own() const {
    const auto own = std::ranges::find(waiting_, agent_.id, &Ticket::agent);
    if (own == waiting_.end()) return std::nullopt;
    return "w" + std::to_string(own->number);
}

}  // namespace meterbox::account
