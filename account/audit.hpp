// Recomputing a team's balances from the ledger alone, and comparing them with what the tables say:
// the places of each tranche and I1, what each agent holds, units by hour with units used, the team's
// sums. A difference means that the account can't be trusted; a finding is for a human to look at.
#pragma once

#include <boost/json/fwd.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "account/database.hpp"

namespace meterbox::account {

struct AuditReport {
    std::int64_t tranches = 0;
    std::int64_t holdings = 0;
    std::int64_t entries = 0;
    std::vector<std::string> differences;
    std::vector<std::string> findings;

    bool ok() const { return differences.empty(); }
};

AuditReport audit(Database& database, const std::string& team);
boost::json::object audit_to_json(const std::string& team, const AuditReport& report);

}  // namespace meterbox::account
