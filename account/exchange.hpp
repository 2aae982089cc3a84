// The account's side of the exchange (protocol): hello opens a session, sync takes an agent's
// counters, grants, and answers with the lease and the team's cards. Each is one transaction, which the
// caller begins and commits: an answer leaves only after its commit (I8).
#pragma once

#include <string>
#include <vector>

#include "account/agents.hpp"
#include "account/database.hpp"
#include "account/leasing.hpp"
#include "account/settings.hpp"
#include "core/error.hpp"
#include "core/wire.hpp"

namespace meterbox::account {

// What every exchange needs beside its message.
struct Exchange {
    Database& database;
    const LeaseSigner& signer;
    const Settings& settings;
    core::UtcTime now;
    ActiveAgents* active = nullptr;  // none: they are counted each time
    KeptPool* pool = nullptr;        // none: it is loaded each time
};

// agent: whose certificate it is. new_session: a random id, used unless this hello was heard before.
// forbidden: another agent's id. conflict: counters that no honest agent has, or a journal that ends before
// what is known of it. Step by step in hello.cpp.
[[nodiscard]] core::Result<core::wire::HelloReply> hello(const Exchange& exchange, Agent agent,
                                                         const core::wire::HelloRequest& request,
                                                         const std::string& new_session);

// not_found: the session isn't the agent's newest; it says hello again. conflict, invalid: see counters.hpp.
// A request number that was answered before, or is older, grants nothing and is told the lease in force.
[[nodiscard]] core::Result<core::wire::SyncReply> sync(const Exchange& exchange, Agent agent,
                                                       const core::wire::SyncRequest& request);

}  // namespace meterbox::account
