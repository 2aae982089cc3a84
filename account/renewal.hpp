// An agent's certificates after its first: each is for the key that it enrolled with. The one that a
// renewal replaces stays good until its own end, so that a lost answer, or a disk put back from a copy, locks
// nobody out: revoking the agent ends all of them.
#pragma once

#include <string>

#include "account/agents.hpp"
#include "account/store.hpp"
#include "core/error.hpp"
#include "core/wire_standing.hpp"

namespace meterbox::account {

struct IssuedCertificate {
    std::string pem;  // alone
    std::string fingerprint;
    core::UtcTime expires_at;
};
// For the request's key, in the agent's and team's names, from now on. malformed, invalid: the request.
[[nodiscard]] core::Result<IssuedCertificate> issue_agent_certificate(Store& store, const std::string& agent,
                                                                      const std::string& team,
                                                                      const std::string& request);

// Ok: a certificate request, and by the agent's own key. malformed, invalid; forbidden: another key.
[[nodiscard]] core::Result<void> check_same_key(const Agent& agent, const std::string& request);

// A new certificate for the agent's key, in force from now on beside those before it; the newest there is,
// as long as that is fresh.
[[nodiscard]] core::Result<std::string> renewed_certificate(Store& store, const Agent& agent,
                                                            const std::string& request);

[[nodiscard]] core::Result<core::wire::RenewReply> renew(Store& store, const Agent& agent,
                                                         const core::wire::RenewRequest& request);

}  // namespace meterbox::account
