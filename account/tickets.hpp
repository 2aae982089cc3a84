// Who waits for units (protocol, Sizing). An agent that asked for what can't wait and got less holds a
// ticket: one for each resource, numbered in the order of the grant transactions, kept in the store. What
// an older ticket needs is set aside from whoever comes later (I18), as long as its agent still polls: also
// from who asks for another resource, where both can be had for the same tokens (set_aside.hpp).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "account/agents.hpp"
#include "account/database.hpp"
#include "core/quantity.hpp"
#include "core/time.hpp"

namespace meterbox::account {

inline constexpr std::int64_t waiting_sync_ms = 10'000;    // between syncs while a ticket waits
inline constexpr std::int64_t ticket_timeout_ms = 30'000;  // its agent gave no sign: the ticket is given up

struct Ticket {
    std::int64_t number = 0;
    std::string agent;
    std::string resource;
    core::Units need;  // what its agent still waits for
    core::UtcTime polled_at;
};
// Of a team, for all resources, the oldest first.
std::vector<Ticket> tickets_of(Database& database, const std::string& team);
// Its agent gave no sign for too long. heard: the agent whose message is being answered, which gives one now.
bool is_given_up(const Ticket& ticket, const std::string& heard, core::UtcTime now);

// What one agent finds before it in the line for a resource.
struct Line {
    core::Units older;   // needed by older tickets of others
    core::Units others;  // by all of others
    std::optional<Ticket> own;
};
// tickets: the oldest first.
Line line_for(std::span<const Ticket> tickets, const std::string& agent, const std::string& resource);

class Tickets {
public:
    // Those of the agent's team. Whose agents have not been heard for too long are given up.
    Tickets(Database& database, const Agent& agent, core::UtcTime now);

    // Of all resources, the oldest first.
    const std::vector<Ticket>& all() const { return waiting_; }
    Line line(const std::string& resource) const { return line_for(waiting_, agent_.id, resource); }
    // The agent was served, and still lacks so much: it waits on in its place, comes last, or waits no more.
    void served(const std::string& resource, core::Units lacking);
    // The oldest that the agent holds, as it is told.
    std::optional<std::string> name_of_own() const;

private:
    Database& database_;
    const Agent& agent_;
    core::UtcTime now_;
    std::vector<Ticket> waiting_;
};

}  // namespace meterbox::account
