// What can be read from a certificate: names, validity, fingerprints. Reading judges nothing: whether
// a certificate is to be trusted is the business of TlsContext. Any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/time.hpp"

namespace meterbox::platform::tls {

struct CertificateInfo {
    std::string common_name;   // subject CN: an agent's id; empty if none
    std::string organization;  // subject O: an agent's team; empty if none
    std::string issuer;        // issuer CN
    std::string serial;        // lower-case hex
    core::UtcTime not_before;
    core::UtcTime not_after;                 // the last second that is still valid
    std::string fingerprint;                 // SHA-256 of the DER, lower-case hex
    std::string key_fingerprint;             // SHA-256 of the public key (SPKI, DER), lower-case hex
    std::vector<std::string> subject_names;  // subject alternative names: DNS names, and IP addresses as text
    bool is_ca = false;
};

// Of the first certificate in the PEM text. Errors: malformed.
[[nodiscard]] core::Result<CertificateInfo> certificate_info(std::string_view pem);

// Each certificate of a PEM text as PEM of its own, in order, at least one. Errors: malformed.
[[nodiscard]] core::Result<std::vector<std::string>> split_chain(std::string_view pem);

// A name as certificates carry it: is it an IPv4 or IPv6 address? Then its 4 or 16 bytes, else empty.
std::string ip_address_bytes(std::string_view name);

}  // namespace meterbox::platform::tls
