// Which of the account's keys a lease is checked with, and how they are followed from one to the next.
#include <utility>

#include "agent/account_link.hpp"

namespace meterbox::agent {

namespace {

platform::tls::VerificationKey to_verify_with(const core::wire::LeaseKey& key) {
    return {key.kid, key.x, key.y};
}

}  // namespace

// Where the account's newest key can't be reached from the keys known here, its leases are refused; what this
// agent brings is taken all the same.
core::Result<void> AccountLink::follow_lease_keys(const core::wire::HelloReply& reply) {
    const auto check = [this](std::string_view text, const core::wire::LeaseKey& key) {
        const platform::tls::VerificationKey known = to_verify_with(key);
        return verify_(text, {&known, 1});
    };
    auto followed = core::follow_line(identity_->lease_keys, reply.lease_keys, check, reply.server_time);
    lease_key_unknown_ = !followed.newest_known;
    if (followed.line == identity_->lease_keys) return {};
    Identity identity = *identity_;
    identity.lease_keys = std::move(followed.line);
    if (listener_.followed) {
        const auto stored = listener_.followed(identity);
        if (!stored) return stored.error();
    }
    if (identity.lease_keys.back().key.kid != identity_->lease_keys.back().key.kid)
        log_.info("lease_key.followed", {{"kid", identity.lease_keys.back().key.kid}});
    identity_ = std::move(identity);
    return {};
}

core::Result<std::string> AccountLink::claims_of(const std::string& lease) const {
    std::vector<platform::tls::VerificationKey> keys;
    for (const core::wire::LeaseKey& key : core::keys_in_force(identity_->lease_keys, time_.utc()))
        keys.push_back(to_verify_with(key));
    auto claims = verify_(lease, keys);
    if (claims) return claims;
    core::Error error = claims.error();
    error.detail = "the lease: " + error.detail;
    if (lease_key_unknown_) {
        error.detail +=
            "; no key that this agent trusts vouches for it: if the operator says that it is right, enroll "
            "again, with a token from `meterbox-account agent token`";
    }
    return error;
}

}  // namespace meterbox::agent
