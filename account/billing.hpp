// A team's billing cycles, and the invoices of those that are closed. A cycle's invoice is closed, and final,
// `final_after` after its end, by whoever looks first; what it says is kept as it was said. Until then it is
// computed from the ledger (invoice.hpp).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "account/database.hpp"
#include "core/billing_cycle.hpp"
#include "core/error.hpp"

namespace meterbox::account {

// A team's cycles and their zone are those of its first payg grant; without one, calendar months.
struct Billing {
    std::string zone;
    std::string anchor;  // a date
    std::optional<std::string> currency;
    std::optional<core::UtcTime> payg_since;  // when its first payg grant was made; none: it has none
    std::optional<core::UtcTime>
        open_until;  // the end of the first cycle that isn't closed; none: not known yet

    [[nodiscard]] core::Result<core::Cycle> holding(core::UtcTime time) const;
};
// Requires the team.
Billing billing_of(Database& database, const std::string& team);

// An invoice that is final.
struct ClosedCycle {
    core::Cycle cycle;
    std::int64_t last_entry = 0;  // of the ledger: what came after it is not on this invoice
};
std::optional<ClosedCycle> last_closed(Database& database, const std::string& team);
std::optional<ClosedCycle> closed_at(Database& database, const std::string& team, core::UtcTime from);

std::vector<ClosedCycle> all_closed(Database& database, const std::string& team);  // in their order

// Closes each cycle of the team that is due: corrects its draw order a last time, and keeps its invoice.
// Before anything else of a transaction that books or shows units. invalid: this machine doesn't know the
// team's zone.
[[nodiscard]] core::Result<void> close_due_cycles(Database& database, const std::string& team,
                                                  std::int64_t final_after_ms, core::UtcTime now);

// While a team learns, units are booked where they took slots. Once it has, those of cycles that aren't
// closed go where they would have been booked: to earlier tiers. Learning still: nothing yet.
[[nodiscard]] core::Result<void> correct_when_learned(Database& database, const std::string& team,
                                                      core::UtcTime now);

}  // namespace meterbox::account
