// The table ticket.
#include "account/tickets.hpp"

#include <algorithm>

namespace meterbox::account {

using core::Units;

Tickets::Tickets(Database& database, const Agent& agent, core::UtcTime now)
    : database_(database), agent_(agent), now_(now) {
    std::vector<std::int64_t> silent;
    database_.each(
        "SELECT number, agent, resource, need, polled_at FROM ticket WHERE team = ? ORDER BY number",
        [&](auto& row) {
            const bool own = row.text(1) == agent_.id;
            const bool polls = now_ - core::UtcTime{row.integer(4)} <= ticket_timeout_ms;
            if (!own && !polls) return silent.push_back(row.integer(0));
            waiting_[row.string(2)].push_back({row.integer(0), row.string(1), Units{row.integer(3)}});
        },
        agent_.team);
    for (const std::int64_t number : silent) database_.run("DELETE FROM ticket WHERE number = ?", number);
}

Line Tickets::line(const std::string& resource) const {
    Line line;
    const auto found = waiting_.find(resource);
    if (found == waiting_.end()) return line;
    for (const Ticket& ticket : found->second) {
        if (ticket.agent == agent_.id) {
            line.own = ticket;
            continue;
        }
        line.others += ticket.need;
        if (!line.own) line.older += ticket.need;
    }
    return line;
}

void Tickets::served(const std::string& resource, Units lacking) {
    const std::optional<Ticket> own = line(resource).own;
    if (!own && lacking.value() <= 0) return;
    std::vector<Ticket>& tickets = waiting_[resource];
    if (!own) {
        const std::int64_t number = database_.number(
            "INSERT INTO ticket (team, agent, resource, need, opened_at, polled_at) VALUES (?, ?, ?, ?, ?, "
            "?) RETURNING number",
            agent_.team, agent_.id, resource, lacking, now_, now_);
        tickets.push_back({number, agent_.id, lacking});
        return;
    }
    const auto place = std::ranges::find(tickets, own->number, &Ticket::number);
    if (lacking.value() <= 0) {
        database_.run("DELETE FROM ticket WHERE number = ?", own->number);
        tickets.erase(place);
        return;
    }
    database_.run("UPDATE ticket SET need = ?, polled_at = ? WHERE number = ?", lacking, now_, own->number);
    place->need = lacking;
}

std::optional<std::string> Tickets::name_of_own() const {
    std::optional<std::int64_t> oldest;
    for (const auto& [resource, tickets] : waiting_) {
        const auto own = std::ranges::find(tickets, agent_.id, &Ticket::agent);
        if (own != tickets.end()) oldest = std::min(own->number, oldest.value_or(own->number));
    }
    if (!oldest) return std::nullopt;
    return "w" + std::to_string(*oldest);
}

}  // namespace meterbox::account
