#include "core/mode_changes.hpp"

#include <algorithm>

#include "core/limits.hpp"

namespace meterbox::core {

void ModeChanges::add(MonotonicTime at, bool counts) {
    if (!changes_.empty()) {
        if (changes_.back().counts == counts) return;
        at = std::max(at, changes_.back().at);
    }
    changes_.push_back({at, counts});
    if (changes_.size() > limits::mode_changes_kept) changes_.erase(changes_.begin());
}

std::vector<ModeChanges::Stretch> ModeChanges::stretches(MonotonicTime from, MonotonicTime to,
                                                         bool counts_now) const {
    std::vector<Stretch> cut;
    bool counts = changes_.empty() ? counts_now : !changes_.front().counts;
    const auto add = [&cut](std::int64_t length_ms, bool counted) {
        if (length_ms > 0) cut.push_back({length_ms, counted});
    };
    for (const ModeChange& change : changes_) {
        const MonotonicTime end = std::clamp(change.at, from, std::max(from, to));
        add(end - from, counts);
        from = end;
        counts = change.counts;
    }
    add(to - from, counts);
    return cut;
}

Amount ModeChanges::counted(MonotonicTime from, MonotonicTime to, bool counts_now) const {
    Amount sum;
    for (const Stretch& stretch : stretches(from, to, counts_now))
        if (stretch.counts) sum += Amount{stretch.length_ms};
    return sum;
}

MonotonicTime ModeChanges::counting_since(MonotonicTime from) const {
    return changes_.empty() || !changes_.back().counts ? from : std::max(from, changes_.back().at);
}

}  // namespace meterbox::core
