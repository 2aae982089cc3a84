// Who may speak to the account: asked at each request, by the fingerprint of the certificate that came with
// it, of what the store says at this moment. So no kept connection and no resumed TLS session outlives a
// revocation, an end or a move. A refusal says what is wrong, what cures it, and where the agent stands.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "account/agents.hpp"
#include "account/database.hpp"
#include "core/time.hpp"
#include "core/wire_standing.hpp"

namespace meterbox::account {

enum class Purpose {
    exchange,  // hello, sync
    renew,     // an expired certificate may still ask, and so may a fenced agent
    retire,    // one that has retired may ask again for its receipt
};

// One that this account's CA has signed, as the handshake found.
struct ShownCertificate {
    std::string agent;
    std::string team;
    std::string fingerprint;
    std::string key_fingerprint;
    core::UtcTime expires_at;
};
// What a store that was put back has forgotten: an agent that enrolled since, and certificates of those it
// knows. None: there is no such team, or the key is another's.
std::optional<Agent> remember(Database& database, const ShownCertificate& shown, core::UtcTime now);

using Admission = std::variant<Agent, core::wire::Refusal>;
[[nodiscard]] Admission admit(Database& database, const std::string& fingerprint, Purpose purpose,
                              core::UtcTime now);

}  // namespace meterbox::account
