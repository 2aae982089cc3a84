// What turns under sessions that run: the mode of their resource, the age of the lease, the clock.
#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "agent/journal_job.hpp"
#include "agent/sessions.hpp"

namespace meterbox::agent {

namespace {
const std::string stale_key = "begun_when_stale.";
}  // namespace

// The mode may have changed: what runs counts from now on, or no longer. Up to now nothing was used up by
// what ran, for nothing was to be stopped: whoever must stop from now on has run until now.
void Sessions::note_mode(const core::Resource& resource, Group& group) {
    const core::MonotonicTime now = time_.monotonic();
    if (resource.enforcement != core::Enforcement::hard) {
        group.zero_since.reset();
        group.used_up_at.reset();
        group.relaxed = true;
    } else if (std::exchange(group.relaxed, false)) {
        group.used_up_at = now;
    }
    const bool counts = core::counts(resource.enforcement);
    if (std::exchange(group.counts, counts) == counts) return;
    group.modes.add(now, counts);
    group.marks_ms = 0;
    for (const Session* session : group.running) group.marks_ms += counted_from(*session, group).ms;
}

// Which units may still finish is decided once, when the lease becomes stale, and holds over restarts.
void Sessions::note_stale(const std::string& resource, Group& group, Balance& balance) {
    core::Supply& supply = balance.supply;
    supply.begun_when_stale.reset();
    if (!supply.spend_until || time_.range().latest < *supply.spend_until) {
        group.stale_since.reset();
        return;
    }
    if (group.stale_since != supply.spend_until) {
        group.stale_since = supply.spend_until;
        group.begun_when_stale = core::units_begun(*balance.ledger, running(resource));
        store_.submit(journal_job(
            [this, key = stale_key + resource,
             value = std::to_string(group.stale_since->ms) + " " +
                     std::to_string(group.begun_when_stale.value())] {
                journal_.set_meta(key, value);
                return true;
            },
            [this](const core::Result<void>&, std::optional<bool>) {
                published_(balances_.publish(journal_.take_publications()));
            }));
    }
    supply.begun_when_stale = group.begun_when_stale;
}

void Sessions::restore_stale(const std::string& resource, Group& group) {
    const auto stored = journal_.meta().find(stale_key + resource);
    if (stored == journal_.meta().end()) return;
    std::size_t end = 0;
    group.stale_since = core::UtcTime{std::stoll(stored->second, &end)};
    group.begun_when_stale = core::Units{std::stoll(stored->second.substr(end))};
}

void Sessions::note_stale_leases() {
    for (auto& [resource, balance] : balances_.all()) {
        Group& group = groups_[resource];
        if (group.counts && !is_returnable(resource)) note_stale(resource, group, balance);
    }
}

// How long until a clock changes what counts: a tranche begins or ends, or the lease becomes stale.
std::int64_t Sessions::next_turn_ms(const Balance& balance) const {
    const core::Now now = time_.range();
    std::int64_t wait = std::numeric_limits<std::int64_t>::max();
    const auto until = [&wait](core::UtcTime moment, core::UtcTime by) {
        if (moment > by) wait = std::min(wait, moment - by);
    };
    if (balance.supply.spend_until) until(*balance.supply.spend_until, now.latest);
    for (const core::Tranche& tranche : balance.ledger->tranches()) {
        if (tranche.left() == core::Units{}) continue;
        if (tranche.valid(now) && tranche.ends_at) until(*tranche.ends_at, now.latest);
        if (tranche.may_be_valid({now.earliest, tranche.valid_from})) until(tranche.valid_from, now.earliest);
    }
    return wait;
}

}  // namespace meterbox::agent
