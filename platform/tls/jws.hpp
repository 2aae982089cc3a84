// JSON Web Signatures (RFC 7515) in compact form, with ES256 and nothing else: how a lease is signed
// by the account and checked by an agent. The algorithm is fixed, the key is looked up by its id
// among the keys that the caller knows, and nothing in a token can change either. Any thread.
#pragma once

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

// header.payload.signature with the header {"alg":"ES256","kid":kid}. Errors: malformed, invalid
// (key), internal.
[[nodiscard]] core::Result<std::string> sign_jws(std::string_view key_pem, std::string_view kid,
                                                 std::string_view payload);

// The payload, if a known key with the header's kid signed exactly these bytes. Refused as forbidden:
// another algorithm, an unknown kid, any crit or b64, a wrong signature. As malformed: what isn't a
// compact JWS of at most limits::lease_bytes_max.
[[nodiscard]] core::Result<std::string> verify_jws(std::string_view compact,
                                                   std::span<const VerificationKey> known);

}  // namespace meterbox::platform::tls
