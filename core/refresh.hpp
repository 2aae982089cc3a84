// What is known of a team's balance once a refresh has passed that the account hasn't told yet: an agent out
// of reach counts anew what refreshes. When the refresh after that one is due, only the account knows.
#pragma once

#include "core/gate.hpp"
#include "core/ledger.hpp"
#include "core/time.hpp"

namespace meterbox::core {

// Changes nothing but tiers whose refresh has passed, so that it may be asked at any time.
void refresh(Supply& supply, const ResourceLedger& ledger, Now now);

}  // namespace meterbox::core
