// Base64 (RFC 4648, 4) as it should be, to compare with; and PEM, so that a fuzzer can change the DER within.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

namespace meterbox::fuzz {

inline std::string base64(std::string_view bytes) {
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
        std::uint32_t group = 0;
        for (std::size_t j = 0; j < 3; ++j) {
            group = group << 8 | (j < count ? static_cast<unsigned char>(bytes[i + j]) : 0U);
        }
        for (std::size_t j = 0; j < 4; ++j) {
            text += j <= count ? alphabet[group >> (18 - 6 * j) & 63U] : '=';
        }
    }
    return text;
}

// What begins like DER, as PEM; other text as it is.
inline std::string pem_of(std::string_view input, std::string_view label) {
    if (!input.starts_with('0')) return std::string(input);
    const std::string name(label);
    return "-----BEGIN " + name + "-----\n" + base64(input) + "\n-----END " + name + "-----\n";
}

}  // namespace meterbox::fuzz
