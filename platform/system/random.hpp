// Randomness as a seam: the kernel's in programs (SystemRandom), a seed's in tests
// (tests/support/seeded_random.hpp). Keys, tokens, nonces and ids come from here and nowhere else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace meterbox::platform::system {

class Random {
public:
    virtual ~Random() = default;
    virtual void fill(std::span<std::byte> bytes) = 0;
    std::uint64_t number();                  // uniform over all 64 bits
    std::int64_t below(std::int64_t limit);  // 0 .. limit - 1; limit > 0
};

// getrandom(2). A kernel that can't give any ends the process: there is nothing safe to do.
class SystemRandom final : public Random {
public:
    void fill(std::span<std::byte> bytes) override;
};

// So many random bytes as lower-case hexadecimal digits: 16 bytes give 32 digits.
std::string random_hex(Random& random, std::size_t bytes = 16);
// A version 4 UUID (RFC 9562), lower-case.
std::string uuid4(Random& random);

}  // namespace meterbox::platform::system
