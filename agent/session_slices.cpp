// From the time that a session ran to what the journal takes, and back when it wasn't stored.
#include <algorithm>
#include <utility>

#include "agent/sessions.hpp"

namespace meterbox::agent {

namespace {

// Stretches of time, one after another from `start` on, cut at the UTC hours.
std::vector<SessionSlice::Part> cut_at_hours(core::UtcTime start,
                                             const std::vector<core::ModeChanges::Stretch>& stretches) {
    std::vector<SessionSlice::Part> parts;
    for (const core::ModeChanges::Stretch& stretch : stretches) {
        const core::UtcTime end = start + stretch.length_ms;
        while (start < end) {
            const core::UtcHour hour = core::hour_of(start);
            const core::UtcTime next = std::min(end, core::start_of(core::UtcHour{hour.number + 1}));
            parts.push_back({hour, core::Amount{next - start}, stretch.counts});
            start = next;
        }
    }
    return parts;
}

core::Amount counted(const SessionSlice& slice) {
    core::Amount sum;
    for (const SessionSlice::Part& part : slice.parts)
        if (part.counts) sum += part.amount;
    return sum;
}

}  // namespace

// Moves the mark, and makes of the time between what the journal takes.
SessionSlice Sessions::take_slice(Session& session, core::MonotonicTime until) {
    SessionRecord& record = session.record;
    if (session.holds) {
        record.mark = std::max(record.mark, until);
        SessionSlice slice;
        slice.record = record;
        return slice;
    }
    const std::int64_t length = std::max<std::int64_t>(0, until - record.mark);
    const core::UtcTime end = time_.utc() + -(time_.monotonic() - (record.mark + length));
    SessionSlice slice;
    Group& group = groups_[record.resource];
    slice.parts =
        cut_at_hours(end + -length, group.modes.stretches(record.mark, record.mark + length, group.counts));
    const core::Amount counts = counted(slice);
    if (session.runs()) group.marks_ms -= counted_from(session, group).ms;
    record.mark = record.mark + length;
    if (session.runs()) group.marks_ms += counted_from(session, group).ms;
    if (record.stop_at) group.held_ms -= counts.value();
    record.metered += core::Amount{length};
    if (Balance* balance = balances_.find(record.resource)) balance->in_flight += counts;
    slice.record = record;
    return slice;
}

// The slice was not stored: its time runs again, unmetered, and goes with the next one.
void Sessions::take_back(const SessionSlice& slice) {
    core::Amount amount;
    for (const SessionSlice::Part& part : slice.parts) amount += part.amount;
    if (Balance* balance = balances_.find(slice.record.resource)) balance->in_flight -= counted(slice);
    Session* session = find(slice.record.id);
    if (session == nullptr) return;
    Group& group = groups_[slice.record.resource];
    if (session->runs()) group.marks_ms -= counted_from(*session, group).ms;
    session->record.mark = session->record.mark + -amount.value();
    if (session->runs()) group.marks_ms += counted_from(*session, group).ms;
    if (session->record.stop_at) group.held_ms += counted(slice).value();
    session->record.metered -= amount;
}

}  // namespace meterbox::agent
