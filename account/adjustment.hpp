// Charged units that an operator gives back: new entries in the ledger with his reason, never an edit of
// those that charged them. They leave the latest tier drawn first. What was charged to a tranche that is
// valid can be used again; of one that has ended, payg is taken off the invoice.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "account/database.hpp"
#include "account/ledger.hpp"
#include "account/pool.hpp"

namespace meterbox::account {

// The reason in the ledger is this, and the operator's.
inline constexpr std::string_view adjustment_reason = "adjust: ";
bool is_adjustment(std::string_view ledger_reason);

struct GivenBack {
    std::int64_t tranche = 0;
    core::Tier tier = core::Tier::free;
    core::Units units;
};

// How many charged units of the team's resource can be given back. Not those of a lost agent that were
// counted as used: it may come back, and its own word settles them.
core::Units adjustable(Database& database, const std::string& team, const std::string& resource);

// Requires units <= adjustable().
std::vector<GivenBack> give_back(Database& database, Ledger& ledger, Pool& pool, const std::string& resource,
                                 core::Units units, std::string_view reason);

}  // namespace meterbox::account
