// The agent as the admin's endpoint sees it: what it shows, and the things that an admin can ask of
// it. The real one is the agent itself (agent/app.cpp). Loop thread only.
#pragma once

#include <functional>
#include <string>

#include "agent/chain_report.hpp"
#include "agent/status.hpp"
#include "core/error.hpp"

namespace meterbox::agent {

struct EnrollOrder {
    std::string url;
    std::string token;
    std::string ca_pem;  // empty: the token's fingerprint decides
};

class AgentView {
public:
    virtual ~AgentView() = default;

    virtual StatusSnapshot status() const = 0;
    // The journal is open and resources are known; else false, and why not in one line.
    virtual bool ready(std::string& why_not) const = 0;

    // All call `done` once, now or later.
    virtual void sync_now(std::function<void(core::Result<void>)> done) = 0;
    using Enrolled = std::function<void(core::Result<std::string>)>;  // the agent's id
    virtual void enroll(EnrollOrder order, Enrolled done) = 0;
    // Ends this machine's being an agent. An error also where the account is out of reach: it goes on.
    virtual void retire(std::function<void(core::Result<void>)> done) = 0;
    using Verified = std::function<void(core::Result<ChainReport>)>;
    virtual void verify(Verified done) = 0;  // the journal's chain and sums
};

}  // namespace meterbox::agent
