#include "platform/system/random.hpp"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "core/assert.hpp"

namespace meterbox::platform::system {
namespace {

constexpr char hex_digits[] = "0123456789abcdef";

void append_hex(std::string& text, std::byte byte) {
    const unsigned value = std::to_integer<unsigned>(byte);
    text += hex_digits[value >> 4];
    text += hex_digits[value & 15];
}

}  // namespace

std::uint64_t Random::number() {
    std::array<std::byte, 8> bytes;
    fill(bytes);
    std::uint64_t value = 0;
    for (const std::byte byte : bytes) value = value << 8 | std::to_integer<std::uint64_t>(byte);
    return value;
}

std::int64_t Random::below(std::int64_t limit) {
    METERBOX_ASSERT(limit > 0);
    // Numbers past the last whole multiple of limit are thrown away, or small results would be likelier.
    const std::uint64_t width = static_cast<std::uint64_t>(limit);
    const std::uint64_t excess = (0 - width) % width;  // 2^64 mod width
    std::uint64_t value = number();
    while (value < excess) value = number();
    return static_cast<std::int64_t>(value % width);
}

void SystemRandom::fill(std::span<std::byte> bytes) {
    while (!bytes.empty()) {
        const ssize_t got = getrandom(bytes.data(), bytes.size(), 0);
        METERBOX_ASSERT(got > 0 || (got < 0 && errno == EINTR));
        if (got > 0) bytes = bytes.subspan(static_cast<std::size_t>(got));
    }
}

std::string random_hex(Random& random, std::size_t bytes) {
    std::string text;
    text.reserve(2 * bytes);
    for (std::size_t done = 0; done < bytes;) {
        std::array<std::byte, 32> chunk;
        const std::size_t size = std::min(chunk.size(), bytes - done);
        random.fill(std::span(chunk).first(size));
        for (std::size_t i = 0; i < size; ++i) append_hex(text, chunk[i]);
        done += size;
    }
    return text;
}

std::string uuid4(Random& random) {
    std::array<std::byte, 16> bytes;
    random.fill(bytes);
    bytes[6] = (bytes[6] & std::byte{0x0f}) | std::byte{0x40};  // version
    bytes[8] = (bytes[8] & std::byte{0x3f}) | std::byte{0x80};  // variant
    std::string text;
    text.reserve(36);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
        append_hex(text, bytes[i]);
    }
    return text;
}

}  // namespace meterbox::platform::system
