// The keyed hashes of a report. identity(): 128 bits of (uid, source, id), which decide whether an
// event was seen before; contents(): 64 bits of what it said, which decide whether a repeated
// identity is a duplicate or a conflict. SipHash-2-4 under a secret key of 16 random bytes that the
// journal keeps: who doesn't have the key can't aim at another's identity. Each field goes in with its
// length, so that no two different reports are the same text.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/cloud_event.hpp"
#include "core/identity.hpp"

namespace meterbox::platform::system {

using HashKey = std::array<std::byte, 16>;

// Immutable, so any thread may use it.
class IdentityHasher {
public:
    explicit IdentityHasher(const HashKey& key) : key_(key) {}

    core::IdentityHash identity(std::uint32_t uid, std::string_view source, std::string_view id) const;
    // Of type, subject, time as sent (or none), measure and amount.
    std::uint64_t contents(const core::UsageEvent& event) const;

private:
    HashKey key_;
};

}  // namespace meterbox::platform::system
