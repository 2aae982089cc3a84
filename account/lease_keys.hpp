// The line of keys that have signed leases, as agents are shown it, and its next step.
#pragma once

#include <string>
#include <vector>

#include "account/database.hpp"
#include "core/time.hpp"
#include "core/wire.hpp"

namespace meterbox::account {

// The newest first, as many as a message holds: an agent that knows one of them finds its way.
std::vector<core::wire::LeaseKey> lease_keys(Database& database);

// From now on this one signs. It ends every session, so that each agent says hello and hears of it before
// it is given a lease that it signed.
void add_lease_key(Database& database, const core::wire::LeaseKey& key, core::UtcTime now);

struct LeaseKeyRow {
    std::string kid;
    core::UtcTime made_at;
};
std::vector<LeaseKeyRow> lease_key_rows(Database& database);  // the newest first

}  // namespace meterbox::account
