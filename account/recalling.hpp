// What the account asks an agent to give back (protocol, Sizing): all that it holds and doesn't need, when
// others wait for it or for its tokens, or when it is idle while little is left. It only asks: units return
// when the agent says so (I15).
#pragma once

#include <vector>

#include "account/agents.hpp"
#include "account/catalogue.hpp"
#include "account/database.hpp"
#include "account/known.hpp"
#include "account/pool.hpp"
#include "account/settings.hpp"
#include "account/tickets.hpp"
#include "core/wire.hpp"

namespace meterbox::account {

struct Recalled {
    std::vector<core::wire::Recall> units;
    bool soon = false;  // its next sync is awaited: it waits itself, or holds what others wait for
};

// asked: what the agent said in this request, after it was granted.
Recalled recall(Pool& pool, const Catalogue& catalogue, Known& known, const Settings& settings,
                const Tickets& tickets, const std::vector<core::wire::ResourceCounters>& asked,
                core::UtcTime now, std::int64_t agents);

}  // namespace meterbox::account
