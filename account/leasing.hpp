// Granting units to an agent, resource by resource (protocol, Sizing), and the lease that says what it
// holds. A lease is signed anew only when it says something else, the session is another, or a third
// of its time has passed.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "account/agents.hpp"
#include "account/catalogue.hpp"
#include "account/database.hpp"
#include "account/known.hpp"
#include "account/ledger.hpp"
#include "account/pool.hpp"
#include "account/settings.hpp"
#include "account/tickets.hpp"
#include "core/error.hpp"
#include "core/lease.hpp"
#include "core/wire.hpp"

namespace meterbox::account {

// Signs leases (ES256, compact JWS) with the account's lease key.
class LeaseSigner {
public:
    virtual ~LeaseSigner() = default;
    virtual core::Result<std::string> sign(std::string_view claims) const = 0;
    // The claims of a lease that was signed with one of these keys.
    virtual core::Result<std::string> claims_of(std::string_view lease,
                                                const std::vector<core::wire::LeaseKey>& keys) const = 0;
};

// Whether units of it are leased at all.
bool is_leased(const core::Resource& resource);
// Whether an agent keeps some of it as a reserve, and may be asked to give it back.
bool has_reserve(const core::Resource& resource);

// Grants what is asked for, out of what is valid now and not set aside for older tickets; who gets less
// than its need waits. A resource that the agent doesn't mention gets its one unit if it has none and there
// is enough for everyone. agents: N >= 1, as ActiveAgents counts them.
void grant(Ledger& ledger, Pool& pool, const Catalogue& catalogue, Known& known, const Settings& settings,
           Tickets& tickets, const std::vector<core::wire::ResourceCounters>& asked, std::int64_t agents);

// What the agent holds, as a lease without number and times.
core::Lease describe_lease(Database& database, Pool& pool, const Catalogue& catalogue, Known& known,
                           const Settings& settings, core::UtcTime now);

struct IssuedLease {
    std::string jws;
    bool is_new = false;
};
// The lease for the agent's session: the one in force, or a new one, numbered, signed and stored.
[[nodiscard]] core::Result<IssuedLease> issue_lease(Database& database, const LeaseSigner& signer,
                                                    const Agent& agent, core::Lease contents,
                                                    const Settings& settings, core::UtcTime now);

}  // namespace meterbox::account
