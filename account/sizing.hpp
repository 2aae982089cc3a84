// How many units an agent is given (protocol, Sizing). Pure. `need` is what can't wait and is served
// in full, as far as the pool goes; the reserve is what lets an agent act offline, and leaves about
// half of what is left in the pool. Nothing here reads a balance: the pool's is an argument.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "account/tranche.hpp"
#include "core/quantity.hpp"

namespace meterbox::account {

// What one agent asks for of one resource.
struct Demand {
    core::Units need;  // can't wait
    bool wants_reserve = false;
    bool idle = false;      // it used nothing for long
    core::Units expected;   // rate x lease horizon, in units
    core::Units spendable;  // what it was given and, as far as heard of, hasn't begun: sum of valid
                            // G - U - R, less the slot of the unit in progress
};

// The usage of so long at this rate, in whole units, rounded up so that it covers the time.
core::Units expected_units(core::Amount rate_per_hour, std::int64_t horizon_ms, core::Amount unit_size);

// The slots that usage holds: those it fills, and the one in progress. `begun` is the remainder, and what
// sessions run that isn't metered yet.
core::Units units_begun(core::Amount begun, core::Amount unit_size);

// The reserve that an agent should hold while `available` (A) units are unleased and `agents` (N >= 1)
// share them: min(expected, A / 2N), at least 1 while A >= 2N, and one unit below that; 0 when A is 0.
core::Units reserve_target(core::Units expected, core::Units available, std::int64_t agents);

// What is set aside for those who wait.
struct SetAside {
    core::Units older;   // for tickets older than this agent's own, or all if it has none
    core::Units others;  // for all tickets of others: before any reserve
};

// Units to lease now out of the limited tranches: the need that is not already on its way to the
// agent, then the reserve up to its target. Never more than `available`, nothing that is set aside, and
// no reserve to who is idle but what leaves A >= 2N, so that it isn't recalled at once.
core::Units units_to_lease(const Demand& demand, core::Units available, const SetAside& aside,
                           std::int64_t agents);

// Units to ask an agent for that holds `spare` beyond what it needs: all of them while others wait, and
// when it is idle and A < 2N.
core::Units units_to_recall(core::Units spare, bool idle, bool others_wait, core::Units available,
                            std::int64_t agents);

// Units of a returnable resource to lease now. need: the checkouts that wait, and what is held beyond what
// is leased (`beyond`). That is covered as far as the pool goes, a checkout wholly or not at all; what the
// agent has free is on its way already. There is no reserve.
core::Units capacity_to_lease(core::Units need, core::Units beyond, core::Units free, core::Units available);

// Units to lease now out of an open payg tranche, so that the agent holds `exposure` of it beside what it has
// completed already and no slot was there for. It is topped up when something is asked for, or half of it is
// used.
core::Units open_units_to_lease(core::Units held, core::Units exposure, core::Units completed, bool asked);

// What can still be leased of an open tranche: what agents say adds up, and must stay a number that others
// can read.
core::Units room_of_open(const Tranche& tranche);

// `units` taken from the limited tranches in their order, which must be the draw order, as far as each
// one's available units go: one figure a tranche. Open ones give nothing here.
std::vector<core::Units> fill(std::span<const Tranche> in_draw_order, core::Units units);

}  // namespace meterbox::account
