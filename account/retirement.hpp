// The end of an agent: its last word is taken, what it leaves goes to the team, and it is heard no more. Its
// remainders pass into the team's custody, each with the slot that it had begun; every other unit of its
// lease is the pool's again, also one of a lease that it never got.
#pragma once

#include <string>

#include "account/exchange.hpp"
#include "core/wire_retirement.hpp"

namespace meterbox::account {

// new_receipt: used unless there is one already, for the same word said again. not_found: the session isn't
// the agent's newest; it says hello again. conflict, invalid: see counters.hpp.
[[nodiscard]] core::Result<core::wire::RetireReply> retire(const Exchange& exchange, Agent agent,
                                                           const core::wire::RetireRequest& request,
                                                           const std::string& new_receipt);

}  // namespace meterbox::account
