#include "core/share_out.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>

#include "core/assert.hpp"

namespace meterbox::core {

std::vector<Amount> share_out(Amount available, const std::vector<MonotonicTime>& marks, MonotonicTime now) {
    METERBOX_ASSERT(available >= Amount{});
    std::vector<std::size_t> order(marks.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&marks](std::size_t a, std::size_t b) {
        return marks[a] == marks[b] ? a < b : marks[a] < marks[b];
    });

    std::vector<Amount> shares(marks.size());
    std::int64_t marks_sum = 0;  // of the first `count`, relative to the earliest, so that it can't overflow
    for (std::size_t count = 1; count <= order.size(); ++count) {
        const MonotonicTime first = marks[order.front()];
        METERBOX_ASSERT(marks[order[count - 1]] <= now);
        marks_sum += marks[order[count - 1]] - first;
        const auto sessions = static_cast<std::int64_t>(count);
        // The moment, after `first`, at which the earliest `count` sessions have used what there is.
        const std::int64_t total = available.value() + marks_sum;
        const bool last = count == order.size();
        if (!last && total / sessions >= marks[order[count]] - first) continue;
        const std::int64_t end = std::min(total / sessions, now - first);
        std::int64_t one_more = end < now - first ? total % sessions : 0;
        for (std::size_t i = 0; i < count; ++i) {
            const std::int64_t extra = one_more > 0 ? 1 : 0;
            one_more -= extra;
            shares[order[i]] = Amount{end - (marks[order[i]] - first) + extra};
        }
        break;
    }
    return shares;
}

}  // namespace meterbox::core
