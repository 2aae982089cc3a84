// What the account keeps beside its tables: the CA that agents trust, the key that signs leases, the server's
// certificate and the admin token. Made when they are missing, never replaced but for the server's
// certificate. Texts in memory; PEM.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "account/database.hpp"
#include "account/kept_files.hpp"
#include "account/leasing.hpp"
#include "core/error.hpp"
#include "core/time.hpp"
#include "core/wire.hpp"
#include "platform/system/random.hpp"
#include "platform/tls/jws.hpp"

namespace meterbox::account {

struct Authority {
    std::string certificate;  // ca.crt
    std::string key;          // ca.key
};
[[nodiscard]] core::Result<Authority> load_or_make_authority(KeptFiles& files, core::UtcTime now);

// Private halves of the keys that sign leases: the first in lease.key, those after it in lease-KID.key. The
// kid is the key's thumbprint. The newest that the store knows of signs, as the transaction sees it: a roll
// that isn't committed has not happened.
class LeaseKeySigner final : public LeaseSigner {
public:
    LeaseKeySigner(KeptFiles& files, Database& database) : files_(files), database_(database) {}

    core::Result<std::string> sign(std::string_view claims) const override;
    core::Result<std::string> claims_of(std::string_view lease,
                                        const std::vector<core::wire::LeaseKey>& keys) const override;

    // For a store without any: the one in lease.key, made if it isn't there.
    [[nodiscard]] core::Result<core::wire::LeaseKey> first();
    // A new one, in its file, with the word of the one that signs now. It signs once the store knows it.
    [[nodiscard]] core::Result<core::wire::LeaseKey> next(core::UtcTime now);

private:
    core::Result<std::string> newest_kid() const;
    core::Result<platform::tls::JwsSigner> key_of(const std::string& kid) const;

    KeptFiles& files_;
    Database& database_;
    mutable std::map<std::string, platform::tls::JwsSigner> keys_;  // by kid
};

struct ServerIdentity {
    std::string certificate;  // its chain, the CA included
    std::string key;
};
// The one that is kept, or a new one of 90 days: when there is none, a third of its life or less is
// left, it misses one of the names, or the CA is another.
[[nodiscard]] core::Result<ServerIdentity> load_or_make_server_identity(KeptFiles& files,
                                                                        const Authority& authority,
                                                                        const std::vector<std::string>& names,
                                                                        core::UtcTime now);

// The token in admin.token.
[[nodiscard]] core::Result<std::string> load_or_make_admin_token(KeptFiles& files,
                                                                 platform::system::Random& random);

// 32 random bytes, base64url.
std::string random_token(platform::system::Random& random);

}  // namespace meterbox::account
