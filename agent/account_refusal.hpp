// An answer of the account's that isn't 200, as an error in the account's own words, with where this agent
// stands if it says so.
#pragma once

#include "core/wire_standing.hpp"
#include "platform/transport.hpp"

namespace meterbox::agent {

core::wire::Refusal refusal_of(const platform::Answer& answer);

}  // namespace meterbox::agent
