// The journal's counters of what is held and given back. H is no counter of its own: it is the sum over the
// sessions that run, so that nothing can disagree with them.
#include <stdexcept>
#include <utility>

#include "agent/journal.hpp"
#include "agent/returning.hpp"

namespace meterbox::agent {

core::Units Journal::give_back(const Return& give, const JournalNow& now) {
    const auto found = entries_.find(give.resource);
    if (found == entries_.end()) return {};
    core::ResourceLedger& ledger = touch(found->second).ledger;
    const core::Units given = ledger.give_back(give.keep(ledger), now.range);
    if (given > core::Units{}) found->second.tranches = true;
    return given;
}

core::Units Journal::give_back_beyond(const std::string& resource, core::Units keep, const JournalNow& now) {
    Entry& entry = touch(entries_.at(resource));
    const core::Units given = entry.ledger.give_back_beyond(keep, now.range);
    if (given > core::Units{}) entry.tranches = true;
    return given;
}

void Journal::load_holders() {
    const auto sessions = tables_.running_sessions();
    if (!sessions) throw std::runtime_error(sessions.error().detail);
    for (const SessionRecord& session : *sessions) {
        const auto found = entries_.find(session.resource);
        if (found == entries_.end() || found->second.ledger.resource().kind != core::Kind::returnable)
            continue;
        found->second.ledger.hold(session.quantity);
        count_holder(session.id, {found->second.id, session.subject, session.quantity}, true);
    }
}

void Journal::count_holder(const std::string& session, const Holder& holder, bool holds) {
    core::Units& held = subjects_[holder.resource][holder.subject];
    if (holds) {
        held += holder.quantity;
        holders_.insert_or_assign(session, holder);
        return;
    }
    held -= holder.quantity;
    if (held == core::Units{}) subjects_[holder.resource].erase(holder.subject);
    holders_.erase(session);
}

// A session takes its quantity with its first commit and gives it back with its last. One whose first was
// not stored holds nothing, also when its last is.
void Journal::hold(Entry& entry, SessionSlice& slice, const JournalNow& now) {
    const core::UtcHour hour = core::hour_of(now.utc);
    const SessionRecord& record = slice.record;
    const auto known = holders_.find(record.id);
    if (slice.starts && known == holders_.end()) {
        const Holder holder{entry.id, record.subject, record.quantity};
        entry.ledger.hold(record.quantity);
        count_holder(record.id, holder, true);
        transaction_.counted.emplace_back(record.id, std::pair(holder, true));
        note_peak(entry, hour, record.subject);
    } else if (slice.ends && known != holders_.end()) {
        const Holder holder = known->second;
        note_peak(entry, hour, holder.subject);
        entry.ledger.let_go(holder.quantity);
        count_holder(record.id, holder, false);
        transaction_.counted.emplace_back(record.id, std::pair(holder, false));
    }
    save_session(record);
}

void Journal::note_held(const JournalNow& now) {
    for (auto& [key, entry] : entries_) {
        const auto held = subjects_.find(entry.id);
        if (held == subjects_.end()) continue;
        for (const auto& [subject, units] : held->second) note_peak(entry, core::hour_of(now.utc), subject);
    }
}

}  // namespace meterbox::agent
