// Randomness that is the same for the same seed (splitmix64): the fake of the seam Random.
#pragma once

#include <cstdint>
#include <span>

#include "platform/system/random.hpp"

namespace meterbox::tests {

class SeededRandom final : public platform::system::Random {
public:
    explicit SeededRandom(std::uint64_t seed = 1) : state_(seed) {}

    void fill(std::span<std::byte> bytes) override {
        for (std::byte& byte : bytes) byte = static_cast<std::byte>(next() >> 56);
    }

private:
    std::uint64_t next() {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }
    std::uint64_t state_;
};

}  // namespace meterbox::tests
