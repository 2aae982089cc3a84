// The journal's usage by hour and subject, and what a sync reads of it.
#include <utility>

#include "agent/journal.hpp"
#include "core/limits.hpp"

namespace meterbox::agent {

namespace {

const std::string other_subject = "other";
// Of units: all that was told since a backup is told again to an account that was put back. So many take 430
// kB of the 1 MiB that it reads. Units whose hours come in a later message are booked without them.
constexpr std::size_t hours_of_reading_max = 10'000;

}  // namespace

Journal::UsageCells::value_type& Journal::cell(ResourceId resource, core::UtcHour hour,
                                               const std::string& subject) {
    const auto [place, made] = cells_.try_emplace(UsageKey{resource, hour, subject});
    if (!made) return *place;
    const auto stored = tables_.usage(place->first);
    if (!stored) {
        must(core::Result<void>(stored.error()));
    } else if (*stored) {
        place->second.stored = true;
        place->second.amount = **stored;
    }
    return *place;
}

// With what the transaction in progress adds: whatever does asks for it first.
core::Amount& Journal::hour_total(ResourceId resource, core::UtcHour hour) {
    const auto [place, made] = transaction_.hour_totals.try_emplace({resource, hour});
    if (!made) return place->second;
    const auto stored = tables_.usage_of_hour(resource, hour);
    if (stored) {
        place->second = *stored;
    } else {
        must(core::Result<void>(stored.error()));
    }
    return place->second;
}

bool Journal::is_counted(const Entry& entry) {
    return entry.ledger.resource().enforcement != core::Enforcement::none;
}

// Without enforcement nothing adds up in the ledger: what is bounded is each hour, all its subjects.
bool Journal::has_room(const Entry& entry, const JournalEvent& event, core::Amount sum) {
    const core::Amount amount = event.event.amount;
    if (is_counted(entry)) return entry.ledger.can_meter(sum) && entry.ledger.can_meter(sum + amount);
    constexpr core::Amount most{core::limits::hour_amount_max};
    const core::Amount hour = hour_total(entry.id, core::hour_of(event.time));
    return hour <= most && sum <= most - hour && amount <= most - hour - sum;
}

bool Journal::takes_subject(ResourceId resource, core::UtcHour hour, const std::string& subject) {
    if (subject.empty() || subject == other_subject) return true;
    const UsageCell& usage = cell(resource, hour, subject).second;
    if (usage.stored || usage.changed) return true;
    const auto count = tables_.subjects(resource, hour);
    if (!count) {
        must(core::Result<void>(count.error()));
        return true;
    }
    const auto unsaved = transaction_.new_subjects.find({resource, hour});
    const std::int64_t named = *count + (unsaved == transaction_.new_subjects.end() ? 0 : unsaved->second);
    return named < static_cast<std::int64_t>(core::limits::subjects_per_hour_max);
}

void Journal::add_usage(Entry& entry, core::UtcHour hour, const std::string& subject, core::Amount amount,
                        bool counts) {
    if (!is_counted(entry)) hour_total(entry.id, hour) += amount;
    const bool taken = takes_subject(entry.id, hour, subject);
    UsageCells::value_type& usage = cell(entry.id, hour, taken ? subject : other_subject);
    usage.second.amount += amount;
    (counts ? usage.second.added : usage.second.unmetered) += amount;
    mark_changed(usage);
}

void Journal::mark_changed(UsageCells::value_type& usage) {
    if (usage.second.changed) return;
    usage.second.changed = true;
    transaction_.changed_cells.push_back(&usage);
    const std::string& named = usage.first.subject;
    if (!usage.second.stored && !named.empty() && named != other_subject)
        ++transaction_.new_subjects[{usage.first.resource, usage.first.hour}];
}

// The most that was held at once: of a subject, or of all those that share a row.
void Journal::note_peak(Entry& entry, core::UtcHour hour, const std::string& subject) {
    const std::map<std::string, core::Units>& held = subjects_[entry.id];
    core::Units sum;
    const bool own_row = takes_subject(entry.id, hour, subject);
    if (own_row) {
        const auto found = held.find(subject);
        if (found != held.end()) sum = found->second;
    } else {
        for (const auto& [name, units] : held)
            if (!takes_subject(entry.id, hour, name)) sum += units;
    }
    UsageCells::value_type& usage = cell(entry.id, hour, own_row ? subject : other_subject);
    const core::Amount peak{sum.value()};
    if (peak <= usage.second.amount) return;
    usage.second.unmetered += peak - usage.second.amount;
    usage.second.amount = peak;
    mark_changed(usage);
}

void Journal::save_usage() {
    for (UsageCells::value_type* changed : transaction_.changed_cells) {
        const UsageKey& key = changed->first;
        UsageCell& usage = changed->second;
        must(tables_.save_usage(key, usage.amount, change_ + 1, standing_.incarnation));
        if (!usage.pending) standing_.pending_usage_rows += must(tables_.mark_pending(key));
        for (const bool metered : {true, false}) {
            const core::Amount added = std::exchange(metered ? usage.added : usage.unmetered, {});
            if (added > core::Amount{})
                transaction_.link.usage.push_back(
                    {keys_.at(key.resource), key.hour, key.subject, added, metered});
        }
        usage.pending = usage.stored = true;
        usage.changed = false;
    }
    transaction_.changed_cells.clear();
    transaction_.new_subjects.clear();
    transaction_.hour_totals.clear();
}

core::Result<core::Amount> Journal::usage_of_last_day(const std::string& resource, core::UtcTime now) {
    return tables_.usage_since(entries_.at(resource).id, core::hour_of(now + -core::day_ms));
}

CounterReading Journal::read_counters(std::size_t usage_rows_max, std::int64_t acknowledged) {
    CounterReading reading;
    reading.head = chain_.head().on_wire();
    reading.acknowledged.sequence = acknowledged;
    if (const auto there = chain_.hash_of(acknowledged); there && *there)
        reading.acknowledged.hash = platform::system::hex(**there);
    if (auto starts = chain_.starts_after(acknowledged, core::limits::journal_starts_max))
        reading.starts = std::move(*starts);
    reading.change =
        standing_.settled;  // as long as the rows aren't read, nothing newer is settled by an answer
    for (const auto& [key, entry] : entries_) reading.ledgers.push_back(entry.ledger);
    auto usage = tables_.pending_usage(usage_rows_max + 1);
    if (!usage) return reading;  // the next reading tries again
    reading.more_usage = usage->size() > usage_rows_max;
    if (reading.more_usage) usage->pop_back();
    reading.whole_usage = !reading.more_usage;
    for (PendingUsage& row : *usage) {
        reading.usage.push_back({keys_.at(row.key.resource), row.key.hour, row.key.subject, row.amount});
        reading.usage_keys.push_back(std::move(row.key));
    }
    const auto hours =
        tables_.units_changed_after(standing_.settled, standing_.incarnation, hours_of_reading_max);
    if (!hours) return reading;
    for (const PendingUnits& row : hours->rows)
        reading.hours.push_back({keys_.at(row.resource), row.tranche, {row.hour, row.units}});
    reading.change = hours->up_to.value_or(change_);
    if (!hours->up_to) return reading;
    reading.more_usage = true;
    reading.whole_usage = false;
    return reading;
}

}  // namespace meterbox::agent
