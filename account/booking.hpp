// How the account takes an agent's counters, and where it books what they say. Pure.
//
// Counters are totals, and each side keeps the largest it has seen: a message that is repeated, late
// or out of order changes nothing (I9), and a unit is charged by the growth of a total, so exactly
// once. What no honest agent can send is refused as a whole and becomes evidence: more used and
// returned than was granted, or a total that falls in a message that came later.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "account/tranche.hpp"
#include "core/error.hpp"
#include "core/quantity.hpp"
#include "core/time.hpp"

namespace meterbox::account {

// What the account has seen of one agent's incarnation and one tranche.
struct Holding {
    core::Units granted;   // G
    core::Units used;      // U, the largest seen
    core::Units returned;  // R, the largest seen
    core::UtcTime since;   // when the first unit of it was leased

    core::Units left() const { return granted - used - returned; }
};

struct Growth {
    core::Units used;
    core::Units returned;
};

// By how much U and R grow. `later`: the message is known to be younger than all that were seen, so
// that a smaller total is a contradiction (conflict) and not just late.
[[nodiscard]] core::Result<Growth> join(const Holding& seen, core::Units used, core::Units returned,
                                        bool later);

// The growth of one total; the same rule. what: its name, for the error.
[[nodiscard]] core::Result<std::int64_t> join_total(std::int64_t seen, std::int64_t said, bool later,
                                                    const char* what);

// Units that took slots of one tranche (its place in the list) in one hour. No hour: not said yet.
struct Completed {
    std::optional<core::UtcHour> hour;
    core::Units units;
};

struct Booking {
    std::size_t tranche;  // which is charged
    core::Units units;
    friend bool operator==(const Booking&, const Booking&) = default;
};

struct Bookings {
    std::vector<Booking> bookings;  // by tranche
    std::vector<core::Units> away;  // of each part of what was completed: booked to another tranche
};

// R3: completed units that took slots of `slots` (a place in the list) are booked to the first tier
// before its own with an unleased unit that was valid when they were completed, else to itself. An
// hour is all that is known of that moment, so a tranche must have been valid for all of it, or since
// before the agent had its first slot of `slots`. tranches: of one resource, in draw order; what is
// booked away is not taken off their `available`: the caller does that as it posts.
Bookings book(std::span<const Tranche> tranches, std::size_t slots, core::UtcTime slots_since,
              std::span<const Completed> completed, core::UtcTime now);

}  // namespace meterbox::account
