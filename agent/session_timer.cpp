// When to look at sessions again: one timer, armed for the earliest moment at which anything about any
// resource can change, and what is done once it has come. A session of which nobody hears ends here.
#include <algorithm>
#include <limits>
#include <vector>

#include "agent/sessions.hpp"

namespace meterbox::agent {

namespace {
constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t timer_max_ms = core::hour_ms;
}  // namespace

// When something must be done about a session of which nobody heard any more.
std::optional<core::MonotonicTime> Sessions::due_at(const Session& session) const {
    if (session.ending) return {};
    if (session.end_at) return session.retry_at;
    if (session.awaited) return restored_at_ + settings_.heartbeat_ms;
    if (session.record.keeping == SessionKeeping::connection) return {};
    return session.confirmed + settings_.heartbeat_ms;
}

// It ended at its last sign of life, though nobody has looked yet.
bool Sessions::is_silent(const Session& session) const {
    const auto due = due_at(session);
    return !session.end_at && due && time_.monotonic() >= *due;
}

// Ends who gave no sign of life, at the last one that they gave, and tries again to store an end.
void Sessions::sweep() {
    const core::MonotonicTime now = time_.monotonic();
    if (now < next_sweep_) return;
    core::MonotonicTime next = now + settings_.heartbeat_ms;  // nobody who comes later is due before
    std::vector<Session*> gone;
    for (const auto& [id, session] : sessions_) {
        const auto due = due_at(*session);
        if (!due) continue;
        if (now >= *due) {
            gone.push_back(session.get());
        } else {
            next = std::min(next, *due);
        }
    }
    next_sweep_ = std::max(next, now + core::limits::session_sweep_ms);
    for (Session* session : gone)
        finish(*session, session->end_at.value_or(reach(*session, session->confirmed)));
}

std::int64_t Sessions::completion_spacing_ms() const {
    const std::int64_t by_count =
        static_cast<std::int64_t>(sessions_.size()) / core::limits::sessions_stored_a_ms;
    return std::clamp(by_count, core::limits::completion_sync_spacing_ms,
                      std::max(core::limits::completion_sync_spacing_ms, settings_.checkpoint_ms));
}

void Sessions::arm() {
    if (shut_down_) return;
    std::int64_t wait = never;
    if (!sessions_.empty()) {
        wait = next_sweep_ - time_.monotonic();
        if (!checkpointing_) wait = std::min(wait, next_checkpoint_ - time_.monotonic());
    }
    for (const auto& [resource, group] : groups_) wait = std::min(wait, next_event_ms(resource, group));
    if (const auto silent = silent_at(); silent && !is_account_silent())
        wait = std::min(wait, *silent - time_.monotonic());
    if (wait == never) {
        timer_->cancel();
        return;
    }
    timer_->arm(std::clamp<std::int64_t>(wait, 0, timer_max_ms));
}

std::int64_t Sessions::next_event_ms(const std::string& resource, const Group& group) const {
    const core::MonotonicTime now = time_.monotonic();
    std::int64_t wait = never;
    for (const WaitingOrder& waiting : group.waiting) wait = std::min(wait, waiting.deadline - now);
    const auto found = std::as_const(balances_).all().find(resource);
    if (found == std::as_const(balances_).all().end()) return wait;
    const Balance& balance = found->second;
    const core::ResourceLedger& ledger = *balance.ledger;
    // Though nothing runs: overage takes the first units of a tranche that begins, and no unit begins on a
    // lease that is stale.
    if (group.counts && !is_returnable(resource)) wait = std::min(wait, next_turn_ms(balance));
    if (group.running.empty()) return wait;
    const auto sessions = static_cast<std::int64_t>(group.running.size());
    const auto until_used = [sessions](std::int64_t amount_ms) {
        return (amount_ms + sessions - 1) / sessions;
    };

    if (ledger.resource().enforcement == core::Enforcement::hard) {
        const std::int64_t left = meters(resource, group).left_ms();
        const std::int64_t half = core::ask_below(balance.supply).value();
        if (group.zero_since) {
            wait = std::min(wait, *group.zero_since + core::limits::exhaustion_answer_ms - now);
        } else {
            wait = std::min(wait, until_used(std::max<std::int64_t>(0, left)));
        }
        const std::int64_t low = core::low_below(balance.supply).value();
        if (left >= low && low > 0) wait = std::min(wait, until_used(left - low + 1));
        if (!balance.asked && !balance.supply.final && left > half)
            wait = std::min(wait, until_used(left - half));
        wait = std::min(wait, core::limits::clock_look_ms);
    }
    if (group.counts &&
        !checkpointing_) {  // a unit that is completed is stored at once, but at most one a second
        const std::int64_t to_unit =
            (ledger.resource().unit_size - ledger.remainder()).value() - running(resource).value();
        const std::int64_t spacing = last_checkpoint_ + completion_spacing_ms() - now;
        wait = std::min(wait, std::max(until_used(std::max<std::int64_t>(0, to_unit)), spacing));
    }
    return wait;
}

void Sessions::on_timer() {
    const core::MonotonicTime now = time_.monotonic();
    reconsider_all();
    bool unit_done = false;
    for (const auto& [resource, group] : groups_) {
        if (group.running.empty() || !group.counts) continue;
        const core::ResourceLedger& ledger = *balances_.find(resource)->ledger;
        unit_done = unit_done || ledger.remainder() + running(resource) >= ledger.resource().unit_size;
    }
    const bool spaced = now - last_checkpoint_ >= completion_spacing_ms();
    if (!checkpointing_ && (now >= next_checkpoint_ || (unit_done && spaced))) checkpoint();
    sweep();
    arm();
}

}  // namespace meterbox::agent
