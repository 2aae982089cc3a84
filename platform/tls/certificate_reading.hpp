// The same as certificate.hpp, from mbedTLS's parsed form. Internal to platform/tls.
#pragma once

#include "platform/tls/certificate.hpp"
#include "platform/tls/mbedtls_support.hpp"

namespace meterbox::platform::tls {

CertificateInfo read_certificate(const mbedtls_x509_crt& certificate);

// Does the certificate speak for this DNS name (RFC 6125: a wildcard stands for the whole leftmost
// label) or IP address? By its subject alternative names alone, never by its CN.
bool speaks_for(const mbedtls_x509_crt& certificate, std::string_view name);

}  // namespace meterbox::platform::tls
