#include "agent/meter.hpp"

#include <algorithm>
#include <utility>

#include "agent/journal_job.hpp"
#include "core/limits.hpp"

namespace meterbox::agent {

Meter::Meter(AgentTime& time, Journal& journal, platform::store::StoreThread& store, Balances& balances,
             platform::system::IdentityHasher hasher, Published published)
    : time_(time),
      journal_(journal),
      store_(store),
      balances_(balances),
      hasher_(hasher),
      published_(std::move(published)) {}

core::Result<core::UtcTime> Meter::time_of(const core::UsageEvent& event, std::size_t index,
                                           core::UtcTime now) const {
    if (!event.time) return now;
    const auto refuse = [index](std::string detail) {
        return core::Error{core::ErrorCode::invalid, std::move(detail), index, "/time"};
    };
    if (*event.time - std::max(now, time_.wall()) > core::limits::event_ahead_ms_max)
        return refuse("time: more than 5 minutes ahead of this machine's clock, " +
                      core::format_rfc3339(now));
    if (now - *event.time > core::limits::event_age_ms_max)
        return refuse("time: older than 62 days; it is now " + core::format_rfc3339(now));
    return *event.time;
}

core::Error Meter::refusal_when_closed() {
    return {
        core::ErrorCode::not_enrolled,
        "this agent is retired: to use this machine again, give it a new, empty state folder and enroll it "
        "there",
        {},
        {}};
}

void Meter::report(std::vector<core::UsageEvent> events, std::uint32_t uid, Done done) {
    if (closed_) return done(refusal_when_closed());
    if (journal_.reserve().gone())
        return done(core::Error{core::ErrorCode::storage,
                                "the disk is full; what room is left is kept for sessions that run",
                                {},
                                {}});
    const JournalNow now = time_.journal_now();
    std::vector<JournalEvent> entries;
    entries.reserve(events.size());
    for (std::size_t i = 0; i < events.size(); ++i) {
        const auto time = time_of(events[i], i, now.utc);
        if (!time) return done(time.error());
        const core::IdentityHash identity = hasher_.identity(uid, events[i].source, events[i].id);
        const std::uint64_t contents = hasher_.contents(events[i]);
        entries.push_back({std::move(events[i]), identity, contents, *time});
    }
    const std::size_t weight = std::max<std::size_t>(1, entries.size());
    store_.submit(
        journal_job([this, entries = std::move(entries), now] { return journal_.report(entries, now); },
                    [this, done = std::move(done)](const core::Result<void>& committed,
                                                   std::optional<core::Result<ReportOutcome>> outcome) {
                        published_(balances_.publish(journal_.take_publications()));
                        if (!committed) return done(committed.error());
                        if (*outcome) duplicates_ += static_cast<std::uint64_t>((*outcome)->duplicates);
                        done(std::move(*outcome));
                    },
                    weight));
}

}  // namespace meterbox::agent
