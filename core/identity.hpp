// What stands for a product's event once it was taken: a keyed 128-bit hash of who sent it, its
// source and its id. Never the text itself: it is unbounded, and it is the product's. How the hash is
// made is platform's (platform/system/identity_hash.hpp); core compares and carries it.
#pragma once

#include <array>
#include <compare>
#include <cstddef>

namespace meterbox::core {

struct IdentityHash {
    std::array<std::byte, 16> bytes{};
    friend constexpr auto operator<=>(const IdentityHash&, const IdentityHash&) = default;
};

}  // namespace meterbox::core
