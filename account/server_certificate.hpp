// The server's certificate while the service runs: looked at from time to time, and replaced before its
// end. Connections made from then on show the new one; those that are open go on with the old. Loop thread
// only, after construction.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "account/keys.hpp"
#include "core/error.hpp"
#include "core/time.hpp"
#include "platform/tls/tls_context.hpp"

namespace meterbox::account {

class ServerCertificate {
public:
    using Context = std::shared_ptr<const platform::tls::TlsContext>;

    // The names that the certificate is for.
    ServerCertificate(KeptFiles& files, Authority authority, std::vector<std::string> names)
        : files_(files), authority_(std::move(authority)), names_(std::move(names)) {}

    // Loads it, makes it, or makes it anew when it is due. True: the contexts are others now. An error
    // leaves those in force that were.
    [[nodiscard]] core::Result<bool> refresh(core::UtcTime now);

    // After the first refresh() that succeeded.
    const Context& for_agents() const { return for_agents_; }
    const Context& for_admins() const { return for_admins_; }
    core::UtcTime expires_at() const { return expires_at_; }

private:
    KeptFiles& files_;
    Authority authority_;
    std::vector<std::string> names_;
    std::string certificate_;
    Context for_agents_;
    Context for_admins_;
    core::UtcTime expires_at_;
};

}  // namespace meterbox::account
