// What is ahead of a team, for people to look at: when a resource is used up if its agents go on as they do,
// and what ends within 90 days. Nothing is decided by it.
#pragma once

#include <boost/json/array.hpp>
#include <string>
#include <vector>

#include "account/database.hpp"
#include "account/pool.hpp"
#include "core/card.hpp"

namespace meterbox::account {

// Sets exhausts_at of each card: what the team can still have, at the sum of the rates that its agents said
// in the last 24 hours, in draw order. None: nothing runs, there is no end to it, nothing is left, or it
// lasts until its grants end or the next refresh.
void set_exhausts_at(Database& database, Pool& pool, std::vector<core::Card>& cards, core::UtcTime now);

// Grants that end within 90 days, the soonest first, with what is left of each (of a cycle's).
boost::json::array expiries_json(Database& database, const std::string& team, core::UtcTime now);

}  // namespace meterbox::account
