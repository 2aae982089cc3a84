// What a start finds of the sessions before it: those of this boot wait for their products, those of an
// earlier one have ended.
#include <algorithm>
#include <utility>

#include "agent/sessions.hpp"

namespace meterbox::agent {

void Sessions::restore(std::vector<SessionRecord> records) {
    const core::MonotonicTime now = time_.monotonic();
    for (const auto& [resource, balance] : balances_.all()) {
        Group& group = groups_[resource];
        group.counts = core::counts(balance.ledger->resource().enforcement);
        group.modes = journal_.modes().of(resource, time_.boot_id());
        restore_stale(resource, group);
    }
    for (SessionRecord& record : records) {
        const bool same_boot =
            !record.boot_id.empty() && record.boot_id == time_.boot_id() && record.mark <= now;
        auto session = std::make_unique<Session>();
        session->record = std::move(record);
        if (same_boot) skip_what_counted_elsewhere(session->record, now);
        session->awaited = true;
        session->confirmed = session->record.mark;
        session->stop_stored = session->record.stop_at.has_value();
        Session& added = *session;
        sessions_[added.record.id] = std::move(session);
        added.holds = is_returnable(added.record.resource);
        if (added.holds) groups_[added.record.resource].held += added.record.quantity;
        if (same_boot) {
            if (added.runs()) run(added);
            Group& group = groups_[added.record.resource];
            if (const auto stop_at = added.record.stop_at)
                group.held_ms += group.modes.counted(added.record.mark, *stop_at, group.counts).value();
        } else {
            added.record.mark = now;
            if (added.record.stop_at) added.record.stop_at = now;
            if (added.runs()) run(added);
            finish(added, now);
        }
    }
    last_checkpoint_ = now;
    next_checkpoint_ = now + settings_.checkpoint_ms;
    next_sweep_ = now + settings_.heartbeat_ms;
    restored_at_ = now;
    note_stale_leases();  // before anybody asks what is left
    arm();
}

// What ran while another journal was in this one's place is metered there, as far as the account was told.
void Sessions::skip_what_counted_elsewhere(SessionRecord& record, core::MonotonicTime now) const {
    const std::optional<MeteredMark>& elsewhere = journal_.metered_elsewhere();
    if (!elsewhere || elsewhere->boot_id != time_.boot_id()) return;
    core::MonotonicTime from = std::min(now, elsewhere->mark);
    if (record.stop_at) from = std::min(from, *record.stop_at);
    if (from <= record.mark) return;
    if (!is_returnable(record.resource)) record.metered += core::Amount{from - record.mark};
    record.mark = from;
}

}  // namespace meterbox::agent
