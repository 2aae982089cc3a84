#include "core/backoff.hpp"

#include <algorithm>

#include "core/assert.hpp"

namespace meterbox::core {

std::int64_t backoff_ms(int failures, std::int64_t base_ms, std::int64_t max_ms, std::uint64_t random) {
    METERBOX_ASSERT(failures >= 1 && base_ms >= 1 && max_ms >= base_ms);
    std::int64_t ceiling = base_ms;
    for (int i = 1; i < failures && ceiling < max_ms; ++i) ceiling += std::min(ceiling, max_ms - ceiling);
    return static_cast<std::int64_t>(random % (static_cast<std::uint64_t>(ceiling) + 1));
}

}  // namespace meterbox::core
