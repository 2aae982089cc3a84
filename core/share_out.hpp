// Who may run how long on what is left: parallel sessions spend one balance, and together exactly
// what there is (worked example 6), wherever each of them was metered last.
#pragma once

#include <vector>

#include "core/quantity.hpp"
#include "core/time.hpp"

namespace meterbox::core {

// marks: up to where each running session is metered already. The answer, in the same order, is what
// each is metered until the moment at which `available` is used up by all of them together; the
// answers sum to exactly `available`, except that nobody runs past `now`.
std::vector<Amount> share_out(Amount available, const std::vector<MonotonicTime>& marks, MonotonicTime now);

}  // namespace meterbox::core
