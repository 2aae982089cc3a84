// What of a lease goes back when the account recalls it (protocol, Sizing): all but the slot in progress,
// and never below what sessions that run or wait need. Decided on the loop; the journal raises R, and the
// next sync brings it.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "agent/balances.hpp"
#include "core/quantity.hpp"
#include "core/wire.hpp"

namespace meterbox::agent {

class Sessions;

// One resource to give units back of, and what has to stay.
struct Return {
    std::string resource;
    core::Amount running;  // of sessions: not in the ledger yet
    core::Units least;     // for sessions that run: their next unit
    core::Units waiting;   // for sessions that wait

    core::Units keep(const core::ResourceLedger& ledger) const {
        return std::max(ledger.begun(running), least) + waiting;
    }
};

// Of what is recalled, where there is anything to give.
std::vector<Return> returns_for(const std::vector<core::wire::Recall>& recall, const Balances& balances,
                                const Sessions& sessions, core::Now now);

}  // namespace meterbox::agent
