// An answer of the account's that isn't 200, as an error in the account's own words, with where this agent
// stands if it says so.
#pragma once

#include "core/wire.hpp"
#include "core/wire_standing.hpp"
#include "platform/transport.hpp"

namespace meterbox::agent {

core::wire::Refusal refusal_of(const platform::Answer& answer);

// The verdict `upgrade`: no version that both speak. Which of the two is behind, and what cures it.
core::Error other_version(const core::wire::HelloReply& reply);

}  // namespace meterbox::agent
