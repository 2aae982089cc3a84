// How long to wait before trying again: exponential with full jitter, so that a fleet that lost its
// account together doesn't come back together.
#pragma once

#include <cstdint>

namespace meterbox::core {

// A whole number of ms in [0, min(max_ms, base_ms x 2^(failures - 1))]. failures >= 1 in a row;
// random: any 64 random bits.
std::int64_t backoff_ms(int failures, std::int64_t base_ms, std::int64_t max_ms, std::uint64_t random);

}  // namespace meterbox::core
