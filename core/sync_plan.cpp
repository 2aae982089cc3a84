#include "core/sync_plan.hpp"

#include <algorithm>

#include "core/assert.hpp"
#include "core/backoff.hpp"

namespace meterbox::core {

void SyncPlan::set_enrolled(bool enrolled, BootTime now) {
    enrolled_ = enrolled;
    in_session_ = false;
    failures_ = 0;
    sessions_lost_ = 0;
    last_sync_.reset();
    due_ = now;
}

void SyncPlan::set_interval(std::int64_t interval_ms) {
    METERBOX_ASSERT(interval_ms >= 1);
    interval_ms_ = interval_ms;
    if (last_sync_ && failures_ == 0) due_ = std::min(due_, *last_sync_ + interval_ms_);
}

void SyncPlan::wake(SyncReason reason, BootTime now) {
    woken_ = std::min(reason, woken_.value_or(reason));
    if (failures_ > 0 && reason != SyncReason::asked)
        return;  // the retry carries it, or what follows it does
    due_ = std::min(due_, time_for(reason, now));
}

BootTime SyncPlan::time_for(SyncReason reason, BootTime now) const {
    if (reason != SyncReason::completion || !last_sync_) return now;
    return std::max(now, *last_sync_ + limits::completion_sync_spacing_ms);
}

SyncPlan::Next SyncPlan::next(BootTime now) {
    if (!enrolled_) return {Step::idle, 0};
    if (now < due_) return {Step::wait, due_ - now};
    woken_.reset();
    return {in_session_ ? Step::sync : Step::hello, 0};
}

void SyncPlan::hello_succeeded(BootTime now) {
    in_session_ = true;
    due_ = now;  // hello is followed by a sync
}

void SyncPlan::sync_succeeded(BootTime now, std::optional<std::int64_t> next_sync_ms, std::uint64_t random) {
    failures_ = 0;
    sessions_lost_ = 0;
    last_sync_ = now;
    std::int64_t wait = interval_ms_;
    if (next_sync_ms) wait = std::min(wait, std::max(*next_sync_ms, limits::sync_interval_min_ms));
    const std::int64_t jitter = static_cast<std::int64_t>(random % static_cast<std::uint64_t>(wait / 10 + 1));
    due_ = now + (wait - jitter);
    if (woken_) due_ = std::min(due_, time_for(*woken_, now));
    if (!in_session_) due_ = now;  // lost meanwhile
}

void SyncPlan::session_lost(BootTime now, std::uint64_t random) {
    in_session_ = false;
    if (++sessions_lost_ > 1) return failed(now, random);
    due_ = now;
}

void SyncPlan::failed(BootTime now, std::uint64_t random) {
    ++failures_;
    due_ = now + backoff_ms(failures_, limits::backoff_base_ms,
                            std::max(limits::backoff_base_ms, std::min(limits::backoff_max_ms, interval_ms_)),
                            random);
}

void SyncPlan::turned_away(BootTime now, std::uint64_t random) {
    ++failures_;
    due_ =
        now + backoff_ms(failures_, limits::renewal_backoff_base_ms, limits::renewal_backoff_max_ms, random);
}

}  // namespace meterbox::core
