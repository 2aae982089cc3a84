// Units of an agent that was fenced or given up: how many of them it used nobody knows. They are held in
// doubt, neither charged nor sold, until evidence comes or an operator decides.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "account/agents.hpp"
#include "account/database.hpp"
#include "account/ledger.hpp"
#include "account/pool.hpp"

namespace meterbox::account {

enum class LostPolicy { hold, count, release };
std::optional<LostPolicy> lost_policy_from(std::string_view);
std::string_view name_of(LostPolicy);

// All that the agent was leased and hasn't shown as used or returned. More than one incarnation of it has
// some only until it syncs as the next, having heard that its lease can't be honoured.
void hold_leased(Database& database, Ledger& ledger, Pool& pool, const Agent& agent, std::string_view reason);
// By its own word the agent uses no more of what was leased to its incarnations up to this one.
void give_back_leased(Database& database, Ledger& ledger, Pool& pool, const Agent& agent,
                      std::int64_t incarnation, std::string_view reason);
// Units of a lease, by resource, without those of open payg: these are never in doubt.
struct Decided {
    std::map<std::string, core::Units> counted, released;
};

// What is held of the agent's incarnations: charged, or available again. hold: it stays. What was leased
// ahead, of a cycle that hasn't begun, is never charged: count releases it. What is returnable is never
// charged either: count leaves it in doubt.
Decided decide_held(Database& database, Ledger& ledger, Pool& pool, const Agent& agent, LostPolicy policy);
// Gives an agent up: what it was leased is held, and all that is held of it is decided. It is heard of again
// when it says hello; until then it waits for nothing. What was decided now.
Decided write_off(Database& database, core::UtcTime now, const Agent& agent, LostPolicy policy);
// Whether it is leased anything, or anything of it is held.
bool holds_anything(Database& database, const Agent& agent);
// What was decided of it at any time: counted as far as it hasn't settled that itself since, released of all
// times.
Decided decided_of(Database& database, const Agent& agent);

// Those of the team of an agent that is heard of now that were not heard of for as long as it has set, as it
// has set. True: an account that learns awaited the word of one of them.
bool write_off_lost(Database& database, core::UtcTime now, const Agent& heard);

// The agent is heard of again, with its lease: what is held of it, or was counted, is leased as before, and
// its own word settles it. part, none: some of it was released, or all, so that the lease can't be honoured
// any more.
enum class TakenBack { all, part, none };
[[nodiscard]] TakenBack take_back(Database& database, Ledger& ledger, Pool& pool, const Agent& agent);
// Of what its present incarnation was leased of a tranche: that counts as returned (R), though it never said
// so.
core::Units released_of(Database& database, const Agent& agent, std::int64_t tranche);

}  // namespace meterbox::account
