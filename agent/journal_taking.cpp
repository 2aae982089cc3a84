// What the journal takes, within a transaction: reports, the time of sessions, leases, the catalogue. Each is
// checked before anything of it is written. How a transaction begins, and what of it is stored at its end:
// journal.cpp.
#include <map>
#include <utility>

#include "agent/journal.hpp"
#include "core/mutant.hpp"

namespace meterbox::agent {

core::Result<void> Journal::check(std::span<const JournalEvent> events) {
    for (std::size_t i = 0; i < events.size(); ++i) {
        const core::UsageEvent& event = events[i].event;
        const auto found = entries_.find(event.type);
        const auto refuse = [&](std::string detail, std::string pointer) {
            return core::Error{core::ErrorCode::invalid, std::move(detail), i, std::move(pointer)};
        };
        if (found == entries_.end())
            return refuse("type: no resource \"" + event.type + "\" in this account", "/type");
        const core::Resource& resource = found->second.ledger.resource();
        if (resource.kind == core::Kind::returnable)
            return refuse("type: " + event.type + " is returnable: open a session to hold it", "/type");
        if (resource.measure != event.measure)
            return refuse(
                "data: " + event.type + " is metered as a " + std::string(core::name_of(resource.measure)),
                "/data");
    }
    return {};
}

// What was taken before needs no room: its repeat is answered as ever, also where there is none left.
core::Result<std::vector<bool>> Journal::remember(std::span<const JournalEvent> events, core::UtcTime now) {
    const std::int64_t day = now.ms / core::day_ms;
    std::vector<bool> fresh(events.size());
    std::map<std::pair<const Entry*, core::UtcHour>, core::Amount> sums;  // by hour where hours are bounded
    const auto refuse = [&](std::size_t i, core::ErrorCode code, std::string detail, std::string pointer) {
        for (std::size_t taken = i + 1; taken-- > 0;)
            if (fresh[taken]) identities_.take_back(events[taken].identity);
        return core::Error{code, std::move(detail), i, std::move(pointer)};
    };
    for (std::size_t i = 0; i < events.size(); ++i) {
        const auto seen = identities_.remember(events[i].identity, events[i].contents, day);
        if (!seen) {
            must(core::Result<void>(seen.error()));
            return seen.error();
        }
        fresh[i] = *seen == IdentityStore::Seen::fresh;
        if (*seen == IdentityStore::Seen::conflict)
            return refuse(i, core::ErrorCode::conflict,
                          "id: this source and id were taken before with other contents; a new event needs a "
                          "new id",
                          "/id");
        if (!fresh[i]) continue;
        const Entry& entry = entries_.find(events[i].event.type)->second;
        const core::UtcHour hour = is_counted(entry) ? core::UtcHour{} : core::hour_of(events[i].time);
        core::Amount& sum = sums[{&entry, hour}];
        if (!has_room(entry, events[i], sum))
            return refuse(i, core::ErrorCode::invalid,
                          "data: more than the counters of " + events[i].event.type + " can hold", "/data");
        sum += events[i].event.amount;
    }
    return fresh;
}

core::Result<ReportOutcome> Journal::report(std::span<const JournalEvent> events, const JournalNow& now) {
    const auto checked = check(events);
    if (!checked) return checked.error();
    const auto fresh = remember(events, now.utc);
    if (!fresh) return fresh.error();
    note_time(now);
    ReportOutcome outcome;
    for (std::size_t i = 0; i < events.size(); ++i) {
        if (!(*fresh)[i]) {
            ++outcome.duplicates;
            continue;
        }
        ++outcome.accepted;
        const core::UsageEvent& event = events[i].event;
        Entry& entry = touch(entries_.find(event.type)->second);
        const std::int64_t number = chain_.next_event();
        must(tables_.add_event(number, entry.id, event, events[i].time, now.utc));
        chain_.add(
            {number, entry.id, event.source, event.id, event.subject, events[i].time, event.amount, now.utc});
        ++transaction_.events;
        transaction_.events_at = now.utc;
        const bool counts = core::counts(entry.ledger.resource().enforcement);
        add_usage(entry, core::hour_of(events[i].time), event.subject, event.amount, counts);
        if (counts) add_amount(entry, event.amount, now);
    }
    return outcome;
}

void Journal::meter(SessionSlice& slice, const JournalNow& now) {
    note_time(now);
    Entry& entry = touch(entries_.at(slice.record.resource));
    if (entry.ledger.resource().kind == core::Kind::returnable) return hold(entry, slice, now);
    if (slice.starts) slice.record.completed_at_start = completed_ever(entry);
    for (const SessionSlice::Part& part : slice.parts) {
        add_usage(entry, part.hour, slice.record.subject, part.amount, part.counts);
        if (!part.counts) continue;
        add_amount(entry, part.amount, now);
        entry.metered_by_sessions += part.amount;
    }
    if (!transaction_.metered) transaction_.metered.emplace();
    transaction_.metered->boot_id = slice.record.boot_id;
    transaction_.metered->mark = std::max(transaction_.metered->mark, slice.record.mark);
    if (slice.ends) {
        slice.record.units_completed = completed_ever(entry) - slice.record.completed_at_start;
        slice.record.remainder = entry.ledger.remainder();
    }
    if (!METERBOX_MUTANT(slice_without_mark)) save_session(slice.record);
}

void Journal::save_session(const SessionRecord& session) {
    must(tables_.save_session(session));
}

void Journal::add_amount(Entry& entry, core::Amount amount, const JournalNow& now) {
    std::vector<core::Completion> completions;
    if (suspicion_) {
        entry.ledger.record(amount);
    } else {
        completions = entry.ledger.meter(amount, now.range);
    }
    entry.metered = true;
    complete(entry, completions, core::hour_of(now.utc));
}

void Journal::complete(Entry& entry, const std::vector<core::Completion>& completions, core::UtcHour hour) {
    for (const core::Completion& completion : completions) {
        entry.tranches = true;
        const std::string& tranche = entry.ledger.tranches()[completion.tranche].id;
        transaction_.link.units.push_back({entry.ledger.resource().key, tranche, hour, completion.units});
        must(
            tables_.add_units(entry.id, tranche, hour, completion.units, change_ + 1, standing_.incarnation));
    }
}

void Journal::take_lease(const core::Lease& lease, const JournalNow& now) {
    note_time(now);
    for (const core::LeaseResource& leased : lease.resources) {
        const auto found = entries_.find(leased.key);
        if (found == entries_.end() || found->second.ledger.resource().unit_size != leased.unit_size)
            continue;
        Entry& entry = touch(found->second);
        const std::vector<core::Completion> completions = entry.ledger.take_lease(leased, now.range);
        entry.tranches = true;
        complete(entry, completions, core::hour_of(now.utc));
    }
}

void Journal::hand_over() {
    for (auto& [key, entry] : entries_) {
        touch(entry).ledger.hand_over();
        entry.tranches = true;
    }
}

void Journal::settle_overage(const JournalNow& now) {
    if (suspicion_) return;
    note_time(now);
    for (auto& [key, entry] : entries_) {
        const bool counts = core::counts(entry.ledger.resource().enforcement);
        if (!counts || entry.ledger.overage_units() == core::Units{}) continue;
        const auto completions = touch(entry).ledger.settle_overage(now.range);
        complete(entry, completions, core::hour_of(now.utc));
    }
}

void Journal::describe(const std::vector<core::Resource>& catalogue, const ModeMoment& at) {
    for (const core::Resource& resource : catalogue) {
        const auto found = entries_.find(resource.key);
        if (found == entries_.end()) {
            const auto id = tables_.add_resource(resource);
            if (!id) return must(core::Result<void>(id.error()));
            Entry entry(*id, {core::ResourceLedger(resource), {}, {}});
            entries_.emplace(resource.key, std::move(touch(entry)));
            keys_.emplace(*id, resource.key);
            transaction_.added.push_back(resource.key);
        } else if (found->second.ledger.resource() != resource &&
                   found->second.ledger.resource().unit_size == resource.unit_size &&
                   found->second.ledger.resource().measure == resource.measure &&
                   found->second.ledger.resource().kind == resource.kind) {
            note_mode(found->second.ledger.resource(), resource, at);
            touch(found->second).ledger.describe(resource);
            must(tables_.describe_resource(found->second.id, resource));
        }
    }
}

}  // namespace meterbox::agent
