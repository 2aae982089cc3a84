#include "core/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace meterbox::core {
void assertion_failed(const char* claim, const char* file, int line) noexcept {
    std::fprintf(stderr, "meterbox: bug: %s (%s:%d)\n", claim, file, line);
    std::abort();
}
}  // namespace meterbox::core
