// Names of the fatal alerts that a peer may send (RFC 8446, 6), in words. Internal to platform/tls.
#pragma once

#include <cstdint>
#include <string>

namespace meterbox::platform::tls {

// "certificate expired (TLS alert 45)"
std::string alert_text(std::uint8_t alert);
// Is it about the certificate that we showed, or didn't show?
bool is_about_certificate(std::uint8_t alert);

}  // namespace meterbox::platform::tls
