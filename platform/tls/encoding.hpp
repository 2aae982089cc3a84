// Hashes and text forms of bytes that certificates and tokens are made of: SHA-256, base64url as in
// RFC 7515 (no padding, no line ends), lower-case hex. Decoding is strict: one text for one value,
// so that no token has a second spelling. Any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace meterbox::platform::tls {

using Sha256 = std::array<std::uint8_t, 32>;

// Bytes are carried in std::string and std::string_view; they may hold zeros.
Sha256 sha256(std::string_view bytes);
std::string bytes_of(const Sha256& hash);

std::string base64url_encode(std::string_view bytes);
// nullopt: a character outside A-Z a-z 0-9 - _, padding, an impossible length, or bits left over that are not
// 0.
std::optional<std::string> base64url_decode(std::string_view text);

std::string hex_encode(std::string_view bytes);

}  // namespace meterbox::platform::tls
