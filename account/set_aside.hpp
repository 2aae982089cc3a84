// What is set aside of a resource for those who wait, from one agent that asks for it (protocol, Sizing).
// Tickets of a team are one line, whatever resource they are for: resources can be had for the same tokens.
// Where none that others wait for shares tokens with it, that is the sum of what they need of it.
#pragma once

#include <set>
#include <span>
#include <string>

#include "account/pool.hpp"
#include "account/sizing.hpp"
#include "account/tickets.hpp"
#include "core/time.hpp"

namespace meterbox::account {

// line: all tickets of the team, the oldest first. agent: whose own ticket for the resource, if it is there,
// says who is older than it.
SetAside set_aside(Pool& pool, std::span<const Ticket> line, const std::string& agent,
                   const std::string& resource, core::UtcTime now);

// The pools of tokens from which somebody waits for units of another resource, by id.
std::set<std::int64_t> pools_waited_for(Pool& pool, std::span<const Ticket> line, const std::string& resource,
                                        core::UtcTime now);

}  // namespace meterbox::account
