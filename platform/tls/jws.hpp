// JSON Web Signatures (RFC 7515) in compact form, with ES256 and nothing else: how a lease is signed
// by the account and checked by an agent. The algorithm is fixed, the key is looked up by its id
// among the keys that the caller knows, and nothing in a token can change either. Any thread.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace meterbox::platform::tls {

// A public P-256 key as JWK (RFC 7518, 6.2) has it: 32 bytes each, base64url.
struct VerificationKey {
    std::string kid;
    std::string x;
    std::string y;
};

// The public half of a private key, with the kid given. Errors: malformed, invalid (not P-256).
[[nodiscard]] core::Result<VerificationKey> verification_key(std::string_view key_pem, std::string_view kid);
// The key's JWK thumbprint (RFC 7638), base64url: a kid that follows from the key.
std::string thumbprint(const VerificationKey& key);

// The primitive below the rest: did this key sign these bytes (ES256; signature: r and s, 32 bytes each)?
bool signature_fits(const VerificationKey& key, std::string_view input, std::string_view signature);

// A private key that signs again and again: what can be computed once from it and its curve is kept, which
// makes a signature several times cheaper than one with a key that is read anew. One thread at a time; copies
// share the key.
class JwsSigner {
public:
    // Errors: malformed, invalid (key).
    [[nodiscard]] static core::Result<JwsSigner> with(std::string_view key_pem, std::string_view kid);
    // header.payload.signature with the header {"alg":"ES256","kid":kid}. Errors: internal.
    [[nodiscard]] core::Result<std::string> sign(std::string_view payload) const;

private:
    struct Key;
    JwsSigner(std::shared_ptr<Key> key, std::string header)
        : key_(std::move(key)), header_(std::move(header)) {}

    std::shared_ptr<Key> key_;
    std::string header_;  // encoded
};

// The same for one token. Errors: malformed, invalid (key), internal.
[[nodiscard]] core::Result<std::string> sign_jws(std::string_view key_pem, std::string_view kid,
                                                 std::string_view payload);

// The payload, if a known key with the header's kid signed exactly these bytes. Refused as forbidden:
// another algorithm, an unknown kid, any crit or b64, a wrong signature. As malformed: what isn't a
// compact JWS of at most limits::lease_bytes_max.
[[nodiscard]] core::Result<std::string> verify_jws(std::string_view compact,
                                                   std::span<const VerificationKey> known);

}  // namespace meterbox::platform::tls
