// Grants that refresh: which cycle a moment belongs to, and the tranche of each. Nothing waits for a
// timer: whoever looks at a team's pool makes the tranches that are missing, in his own transaction. The
// one after the present one is made ahead, so that leases can reach into it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "account/database.hpp"
#include "account/ledger.hpp"
#include "core/billing_cycle.hpp"
#include "core/error.hpp"

namespace meterbox::account {

// What of a grant its tranches follow from.
struct GrantTerms {
    std::int64_t id = 0;
    std::string team;
    std::string resource;  // empty: tokens
    std::string tier;
    std::optional<std::int64_t> amount;  // units, or tokens; none: open payg
    core::UtcTime starts_at;
    std::optional<core::UtcTime> ends_at;
    std::string zone;
    std::string anchor;  // a date
};

// From `from` to `to`, all of its amount available, and the first entry in the ledger.
void make_tranche(Database& database, Ledger& ledger, const GrantTerms& grant, core::UtcTime from,
                  std::optional<core::UtcTime> to);

// Makes what is missing of the team's grants with cycles: the tranche of the present cycle and of the next
// one. True: there was something to make. invalid: this machine doesn't know a grant's zone (any more).
[[nodiscard]] core::Result<bool> make_cycles(Database& database, Ledger& ledger, const std::string& team);
// The same for tokens: for each pool, units of each resource that it can cover.
bool make_units_of_pools(Database& database, const std::string& team);

// When the team's cycles begin next, each once, at most so many as a lease names.
[[nodiscard]] core::Result<std::vector<core::UtcTime>> next_boundaries(Database& database,
                                                                       const std::string& team,
                                                                       core::UtcTime now);

// The cycle, of this anchor (a date) and zone, that holds the moment.
[[nodiscard]] core::Result<core::Cycle> cycle_of(const std::string& zone, const std::string& anchor,
                                                 core::UtcTime time);

}  // namespace meterbox::account
