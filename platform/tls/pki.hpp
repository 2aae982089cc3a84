// The account's small certificate authority and the agent's part in it: P-256 keys, certificate
// requests, the CA, and what it issues. Everything is PEM text in and out; storing it, and with which
// rights, is the caller's. Any thread; no state but the kernel's random numbers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/time.hpp"
#include "platform/tls/certificate.hpp"
#include "platform/tls/encoding.hpp"

namespace meterbox::platform::tls {

// A new P-256 private key ("EC PRIVATE KEY"). Errors: internal.
[[nodiscard]] core::Result<std::string> generate_key();

// SHA-256 of the key's public half (SPKI, DER), lower-case hex. Errors: malformed.
[[nodiscard]] core::Result<std::string> key_fingerprint(std::string_view key_pem);

// Names in subjects: 1 to 64 characters of A-Z a-z 0-9 space . _ : @ -, no space at either end.
// PKCS#10 with the given CN, signed by the key. Errors: malformed (key), invalid (name).
[[nodiscard]] core::Result<std::string> make_certificate_request(std::string_view key_pem,
                                                                 std::string_view common_name);

// Ok: a P-256 key, and the request signed with it. Errors: malformed, invalid.
[[nodiscard]] core::Result<void> check_certificate_request(std::string_view request_pem);
// SHA-256 of the request's public key (SPKI, DER), lower-case hex. Errors: malformed.
[[nodiscard]] core::Result<std::string> request_key_fingerprint(std::string_view request_pem);

inline constexpr std::int64_t ca_lifetime_ms = 3'652 * core::day_ms;  // 10 years

// A self-signed CA that may sign end certificates alone (path length 0), valid ca_lifetime_ms from
// the given time. Errors: malformed (key), invalid (name).
[[nodiscard]] core::Result<std::string> make_ca(std::string_view key_pem, std::string_view common_name,
                                                core::UtcTime valid_from);

enum class CertificatePurpose { client, server };

struct CertificateWish {
    std::string common_name;
    std::string organization;        // an agent's team; empty: none
    std::vector<std::string> names;  // DNS names and IP addresses; a server needs at least one
    CertificatePurpose purpose = CertificatePurpose::client;
    core::UtcTime valid_from;  // cut to the second
    core::UtcTime valid_to;    // the last second that is valid; after valid_from
};

// A certificate (PEM, alone) for the request's public key, under the CA, with a random serial of 128
// bits. Nothing but the key is taken from the request, and only after check_certificate_request.
// Errors: malformed, invalid (names, times, request), internal.
[[nodiscard]] core::Result<std::string> issue_certificate(std::string_view ca_pem,
                                                          std::string_view ca_key_pem,
                                                          std::string_view request_pem,
                                                          const CertificateWish& wish);

struct KeyAndCertificate {
    std::string key;          // PEM
    std::string certificate;  // PEM: the certificate, then its CA, as enrollment needs it
};
// A new key and a server's certificate for it, for the names given; CN is the first of them.
[[nodiscard]] core::Result<KeyAndCertificate> issue_server_certificate(std::string_view ca_pem,
                                                                       std::string_view ca_key_pem,
                                                                       std::vector<std::string> names,
                                                                       core::UtcTime valid_from,
                                                                       core::UtcTime valid_to);

// SHA-256 of the first certificate's DER: what an enrollment token carries of the CA. Errors: malformed.
[[nodiscard]] core::Result<Sha256> certificate_fingerprint(std::string_view pem);

}  // namespace meterbox::platform::tls
