// An account that is older than what it said: restored from a backup, or a store that was put back by
// hand. The agents' signed leases are the backup of what is missing. While a team learns, nothing is granted
// to it; it has learned when each of its agents was heard in a session that began since, or written off.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "account/agents.hpp"
#include "account/database.hpp"
#include "account/leasing.hpp"
#include "account/ledger.hpp"
#include "account/pool.hpp"
#include "core/lease.hpp"
#include "core/wire.hpp"

namespace meterbox::account {

// From now on all teams learn, in a new epoch: every agent has to say hello. why: for audit.
void begin_epoch(Database& database, std::int64_t epoch, core::UtcTime now, const std::string& why);
// The same of one team, in the same epoch: for what an agent says and nobody has signed.
void begin_learning(Database& database, const std::string& team, core::UtcTime now, const std::string& why);
bool is_learning(Database& database, const std::string& team);
void heard(Database& database, Agent& agent);  // in a session that began since
// Before anybody is served: whoever put the store back had to stop the service, so each agent's hello is
// heard.
void end_sessions(Database& database);

// The lease that an agent shows, if this account signed it for this agent.
std::optional<core::Lease> own_lease(Database& database, const LeaseSigner& signer, const Agent& agent,
                                     const std::string& jws);
// It was signed by an account that knew more than this one.
bool is_newer(Database& database, const Agent& agent, const core::Lease& lease);
// What the lease grants was granted.
void learn_from(Database& database, Ledger& ledger, Pool& pool, Agent& agent, const core::Lease& lease);
// What an agent says, as far as this account knows of it. Units that took slots of a grant that came after
// the backup, of more than can be known to be granted, or of what was released, are units without a slot.
struct KnownPart {
    std::vector<core::wire::ResourceCounters> counters;
    bool whole = true;  // all that it names is known
};
KnownPart known_part(Database& database, Pool& pool, const Agent& agent,
                     const std::vector<core::wire::ResourceCounters>& said);

// While it learned, units were booked where they took slots. Of a tranche that is overdrawn for it, charges
// go to earlier tiers, where the account that was lost had booked them.
void settle_overdrawn(Database& database, Ledger& ledger, Pool& pool, const std::string& resource);

struct Incident {
    core::UtcTime at;
    std::string detail;
};
std::vector<Incident> list_incidents(Database& database, const std::string& team);

}  // namespace meterbox::account
