// The gate: what a resource's balance allows at this moment (R6, R7, R8, and the contract's
// precedence of states). Pure: it is told what is running, what the team's card says, and whether
// more can be had from the account.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/card.hpp"
#include "core/ledger.hpp"
#include "core/quantity.hpp"
#include "core/time.hpp"

namespace meterbox::core {

// Units by tier, in draw order.
struct TierUnits {
    std::array<Units, tier_count> of{};
    Units& operator[](Tier tier) { return of[static_cast<std::size_t>(tier)]; }
    Units operator[](Tier tier) const { return of[static_cast<std::size_t>(tier)]; }
    Units sum() const;
    friend bool operator==(const TierUnits&, const TierUnits&) = default;
};
TierUnits charged_by(const ResourceLedger& ledger);  // U of its tranches

// What an agent knows of the account's side of one resource.
struct Supply {
    std::optional<Card> team;   // the team's card, as of the last sync; none: no balance heard yet
    Units completed_at_card;    // units completed here, overage included, that the card has counted
    TierUnits charged_at_card;  // those of them that took a slot here
    std::map<std::string, Units> used_at_card;  // the same of each tranche whose end the card says
    Units held_at_card;                         // of a returnable resource, here, as the card counts it
    Amount last_lease;                   // available, in the measure, when the lease in force was taken up
    Amount last_exposure;                // of that, open payg
    std::optional<UtcTime> spend_until;  // of the lease; past it no new unit starts
    // Units begun (M in units, rounded up) when that moment came: what may still finish. Not known: those
    // begun now.
    std::optional<Units> begun_when_stale;
    bool final = false;      // the lease said that the pool has no more
    bool refused = false;    // the account, asked at half or later, had none
    bool reachable = false;  // the last exchange with the account worked
    bool suspect = false;    // the journal is doubted: nothing is spent until hello was answered
    bool silent = false;     // asked, it has not answered in time (R6)
    int low_percent = 20;
    std::optional<UtcTime> cycle_begins_at;  // what `final` and `refused` say of the pool holds until then

    std::optional<UtcTime> cycle_begun;  // the last of them that has passed

    // True, once for each cycle, however often its begin is told: it has begun, and the pool may have
    // something again. What `final` says is of before in any case.
    bool begin_cycle(Now now);

    // Nothing more will come in time for a session that reaches the end of its lease.
    bool nothing_to_be_had() const { return final || refused || !reachable; }
};

struct Standing {
    BalanceState state = BalanceState::unknown;
    // Why nothing can start: exhausted, ended, stale, suspect, or clock, where the balance would be there
    // if the clock were known better. Empty otherwise.
    std::string_view reason;
    Amount available;       // in the measure, what runs already taken off
    Units available_units;  // whole leased units not yet completed: sum of valid (G - U - R)
};

// running: time that sessions ran and that is not in the ledger yet. apart: more of it, that the caller
// takes off himself; it counts here only as a unit that has begun.
// Enforcement none is always ok; soft is as hard: who is refused or stopped is not the gate's business.
Standing standing(const ResourceLedger& ledger, const Supply& supply, Amount running, Now now,
                  Amount apart = {});

// The remainder as it is now: what sessions ran and isn't in the ledger yet included.
Amount part_of_unit(const ResourceLedger& ledger, Amount running);

// Completed without a slot; of a returnable resource, held beyond what is leased, unless nothing is enforced.
Units overage_units(const ResourceLedger& ledger, Now now);
// Of a returnable resource: what can be handed out here, alone. opening: units that sessions took which are
// not in the ledger yet.
Units free_here(const ResourceLedger& ledger, const Supply& supply, Units opening, Now now);
// M and what runs, in units, the one in progress included.
Units units_begun(const ResourceLedger& ledger, Amount running);

// Under how much `available` the lease is low (R8): 0 while more can be had.
Amount low_below(const Supply& supply);

// At how much `available` to ask for more: half of the limited part of what the lease gave is used, or half
// of the exposure where there is nothing else.
Amount ask_below(const Supply& supply);

// Units that took a slot here since the card was made: to be taken off what it shows as available.
TierUnits charged_since(const ResourceLedger& ledger, const Supply& supply);

// How long so much lasts at this rate; none: nothing runs, or it lasts longer than anybody looks ahead.
std::optional<std::int64_t> lasts_ms(Amount available, Amount rate_per_hour);

}  // namespace meterbox::core
