// Sums of agent_resource over a team's agents, as team_resource keeps them for cards. Overage and what is
// held add up to core::limits::counter_max and no further, for whatever one agent says of its own, the others
// must go on. A sum that is full isn't exact: with each change it is added up anew.
#pragma once

#include <map>
#include <string>

#include "account/cards.hpp"
#include "account/database.hpp"

namespace meterbox::account {

bool is_full(const PoolTotals& sums);
// By resource, out of agent_resource.
std::map<std::string, PoolTotals> add_up(Database& database, const std::string& team);
// The same, kept.
void add_up_anew(Database& database, const std::string& team);

}  // namespace meterbox::account
