// What the journal keeps of time: the trusted clock and its mark, and when modes changed.
#include <algorithm>

#include "agent/journal.hpp"

namespace meterbox::agent {

namespace {

const std::string high_water_key = "high_water_ms";
const std::string modes_key = "mode_changes";

}  // namespace

void Journal::load_clock() {
    const auto mark = meta_.find(high_water_key);
    if (mark != meta_.end())
        high_water_ = std::max(high_water_, std::optional(core::UtcTime{std::stoll(mark->second)}));
    const auto modes = meta_.find(modes_key);
    if (modes != meta_.end())
        standing_.modes = std::make_shared<const ModeHistory>(ModeHistory::from_json(modes->second));
}

// For sessions whose time isn't confirmed yet: which of it ran under none.
void Journal::note_mode(const core::Resource& before, const core::Resource& after, const ModeMoment& at) {
    if (core::counts(before.enforcement) == core::counts(after.enforcement)) return;
    auto modes = std::make_shared<ModeHistory>(*standing_.modes);
    modes->changed(after.key, core::counts(after.enforcement), at);
    set_meta(modes_key, modes->to_json());
    standing_.modes = std::move(modes);
}

void Journal::keep_clock(std::string text) {
    clock_ = std::move(text);
}

void Journal::note_time(const JournalNow& now) {
    if (now.trusted) transaction_.mark = std::max(transaction_.mark, std::optional(now.range.earliest));
}

// The clock's mark goes with each commit that writes: beside M where that rises, at no cost.
void Journal::save_mark() {
    if (clock_) set_meta(clock_meta, *clock_);
    const bool beside =
        std::any_of(entries_.begin(), entries_.end(), [](const auto& entry) { return entry.second.metered; });
    if (beside) return;
    const bool writes = connection_->total_changes() > transaction_.writes_before;
    if (!writes || transaction_.mark <= high_water_)
        return transaction_.mark.reset();  // not stored, and so not known
    set_meta(high_water_key, std::to_string(transaction_.mark->ms));
}

}  // namespace meterbox::agent
