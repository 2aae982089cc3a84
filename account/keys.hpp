// What the account keeps beside its database, in the same folder: the CA that agents trust, the key
// that signs leases, the server's certificate and the admin token. Made when they are missing, never
// replaced but for the server's certificate. Secrets are 0600. Texts in memory; PEM.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "account/leasing.hpp"
#include "core/error.hpp"
#include "core/time.hpp"
#include "platform/system/random.hpp"
#include "platform/tls/jws.hpp"

namespace meterbox::account {

struct Authority {
    std::string certificate;  // ca.crt
    std::string key;          // ca.key
};
[[nodiscard]] core::Result<Authority> load_or_make_authority(const std::filesystem::path& folder,
                                                             core::UtcTime now);

// Signs with the key in lease.key. The kid is the key's thumbprint.
class LeaseKeySigner final : public LeaseSigner {
public:
    [[nodiscard]] static core::Result<LeaseKeySigner> load_or_make(const std::filesystem::path& folder);
    core::Result<std::string> sign(std::string_view claims) const override;
    const platform::tls::VerificationKey& public_key() const { return public_; }

private:
    LeaseKeySigner(std::string key, platform::tls::VerificationKey public_key)
        : key_(std::move(key)), public_(std::move(public_key)) {}
    std::string key_;
    platform::tls::VerificationKey public_;
};

struct ServerIdentity {
    std::string certificate;  // its chain, the CA included
    std::string key;
};
// The one in the folder, or a new one of 90 days: when there is none, a third of its life or less is
// left, it misses one of the names, or the CA is another.
[[nodiscard]] core::Result<ServerIdentity> load_or_make_server_identity(const std::filesystem::path& folder,
                                                                        const Authority& authority,
                                                                        const std::vector<std::string>& names,
                                                                        core::UtcTime now);

// The token in admin.token.
[[nodiscard]] core::Result<std::string> load_or_make_admin_token(const std::filesystem::path& folder,
                                                                 platform::system::Random& random);

// 32 random bytes, base64url.
std::string random_token(platform::system::Random& random);

}  // namespace meterbox::account
