// The agent's own cards: the team's, as of the last sync, less what was completed here since, with
// what is leased, left over and running here (the table of fields in docs/API.md).
#pragma once

#include <vector>

#include "agent/balances.hpp"
#include "agent/sessions.hpp"
#include "agent/usage_rate.hpp"
#include "core/card.hpp"
#include "core/time.hpp"

namespace meterbox::agent {

std::vector<core::Card> agent_cards(const Balances& balances, const Sessions& sessions, const UsageRate& rate,
                                    core::Now range, core::UtcTime now);

}  // namespace meterbox::agent
