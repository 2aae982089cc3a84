// Recomputing a team's balances from the ledger alone, and comparing them with what the tables say: the
// places of each tranche and I1, what each agent holds, units by hour with units used, the team's sums. A
// difference means that the account can't be trusted; a finding is for a human to look at. Done piece by
// piece, so that a long ledger keeps nobody waiting, and yet of one state of the store: what can only be
// compared with all else is compared in the last piece, which has no break (audit_sums.hpp); what is compared
// before it, an agent's units and usage by hour and each final invoice, is read and compared with itself in
// one piece.
#pragma once

#include <boost/json/fwd.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "account/database.hpp"
#include "core/account_limits.hpp"
#include "core/time.hpp"

namespace meterbox::account {

struct AuditReport {
    std::int64_t tranches = 0;
    std::int64_t holdings = 0;
    std::int64_t entries = 0;
    std::vector<std::string> differences;
    std::vector<std::string> findings;

    bool ok() const { return differences.empty(); }
};

class Audit {
public:
    explicit Audit(std::string team, std::int64_t page_rows = core::limits::audit_page_rows);
    ~Audit();

    // Goes on until it is told that it is over; true: there is more. In one call, and only there, the store
    // must not change.
    bool go_on(Database& database, core::UtcTime now, const std::function<bool()>& over);
    const AuditReport& report() const { return report_; }  // once there is no more

private:
    class Hours;
    class Comparison;

    bool look_at_usage(Database& database, const std::function<bool()>& over);
    bool look_at_invoices(Database& database, const std::function<bool()>& over);

    std::string team_;
    AuditReport report_;
    std::unique_ptr<Hours> hours_;
    bool hours_done_ = false;
    std::size_t next_invoice_ = 0;
    bool invoices_done_ = false;
    std::string last_agent_;  // whose usage was looked at
    bool usage_done_ = false;
    std::unique_ptr<class LedgerSums> sums_;
};

// At once.
AuditReport audit(Database& database, const std::string& team, core::UtcTime now);
boost::json::object audit_to_json(const std::string& team, const AuditReport& report);

}  // namespace meterbox::account
