// The last look at a cycle's draw order (R3), before its invoice is final. Leases are drawn ahead, so that a
// unit may be charged to a later tier while an earlier one, leased elsewhere, comes back unused. Each charged
// unit of the cycle goes to the first tier before its own that has a unit left, sold or expired, and was
// valid for all of the hour in which the unit was completed. Only ever to an earlier tier. What was charged
// to a cycle after its invoice was final is looked at before the invoice that names it as late is.
#pragma once

#include <cstdint>
#include <string>

#include "account/database.hpp"
#include "core/billing_cycle.hpp"
#include "core/time.hpp"

namespace meterbox::account {

void correct_draw_order(Database& database, const std::string& team, const core::Cycle& cycle,
                        core::UtcTime now);

// Of cycles that began before this one: the payg units that agents told after that entry of the ledger, the
// last of the invoice before. What is on a final invoice stays, and so do late units of other tiers, which
// are on none.
void correct_late_draw_order(Database& database, const std::string& team, const core::Cycle& cycle,
                             std::int64_t late_after, core::UtcTime now);

}  // namespace meterbox::account
