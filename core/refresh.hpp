// What is known of a team's balance once a refresh has passed that the account hasn't told yet: an agent out
// of reach counts anew what refreshes, grant by grant where the card says of each when it ends, and otherwise
// tier by tier. The end of the cycle after that one is told, too; of later ones only the account knows.
#pragma once

#include "core/gate.hpp"
#include "core/ledger.hpp"
#include "core/time.hpp"

namespace meterbox::core {

// Changes nothing but tiers of which a grant's cycle, or a grant whose end is said, has ended, so that it may
// be asked at any time.
void refresh(Supply& supply, const ResourceLedger& ledger, Now now);

}  // namespace meterbox::core
