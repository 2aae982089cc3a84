// When sessions must stop, and when to look again: one timer, armed for the earliest moment at which
// anything about any resource can change.
#include <algorithm>
#include <limits>
#include <utility>

#include "agent/journal_job.hpp"
#include "agent/sessions.hpp"
#include "core/assert.hpp"
#include "core/mutant.hpp"
#include "core/refresh.hpp"
#include "core/share_out.hpp"

namespace meterbox::agent {

namespace {
constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t timer_max_ms = core::hour_ms;
}  // namespace

Sessions::Meters Sessions::meters(const std::string& resource, const Group& group) const {
    const auto& balances = std::as_const(balances_).all();
    const auto found = balances.find(resource);
    if (found == balances.end()) return {};
    const Balance& balance = found->second;
    const core::Amount submitted = balance.in_flight + core::Amount{group.held_ms};
    Meters meters;
    meters.since_marks_ms = since_marks_ms(group);
    meters.before = core::standing(*balance.ledger, balance.supply, submitted, time_.range(),
                                   core::Amount{meters.since_marks_ms});
    return meters;
}

// What runs and counts, and isn't metered yet.
std::int64_t Sessions::since_marks_ms(const Group& group) const {
    if (!group.counts) return 0;
    return static_cast<std::int64_t>(group.running.size()) * time_.monotonic().ms - group.marks_ms;
}

core::Standing Sessions::standing(const std::string& resource) const {
    const auto& balances = std::as_const(balances_).all();
    const auto found = balances.find(resource);
    if (found == balances.end()) return {};
    return core::standing(*found->second.ledger, found->second.supply, running(resource), time_.range());
}

core::Amount Sessions::running(const std::string& resource) const {
    core::Amount sum;
    const auto& balances = std::as_const(balances_).all();
    if (const auto found = balances.find(resource); found != balances.end()) sum = found->second.in_flight;
    const auto group = groups_.find(resource);
    if (group == groups_.end()) return sum;
    if (is_returnable(resource)) {
        const core::Units units =
            group->second.held + group->second.returning - balances.at(resource).ledger->held();
        return core::Amount{std::max<std::int64_t>(0, units.value())};
    }
    return sum + core::Amount{since_marks_ms(group->second) + group->second.held_ms};
}

std::int64_t Sessions::count(const std::string& resource) const {
    const auto group = groups_.find(resource);
    return group == groups_.end() ? 0 : static_cast<std::int64_t>(group->second.running.size());
}

void Sessions::ask(core::SyncReason reason) {
    if (!asked_at_) asked_at_ = time_.monotonic();
    ask_(reason);
}

// When a question of ours has waited for its answer for so long that it counts as none (R6).
std::optional<core::MonotonicTime> Sessions::silent_at() const {
    const auto& first = carried_at_ ? carried_at_ : asked_at_;
    if (!first) return {};
    return *first + core::limits::exhaustion_answer_ms;
}

bool Sessions::is_account_silent() const {
    const auto at = silent_at();
    return at && time_.monotonic() >= *at;
}

std::int64_t Sessions::waiting(const std::string& resource) const {
    const auto group = groups_.find(resource);
    return group == groups_.end() ? 0 : static_cast<std::int64_t>(group->second.waiting.size());
}

std::int64_t Sessions::carry_waiting(const std::string& resource) {
    if (!carried_at_) carried_at_ = asked_at_;
    asked_at_.reset();
    const auto group = groups_.find(resource);
    if (group == groups_.end()) return 0;
    for (WaitingOrder& waiting : group->second.waiting) waiting.carried = true;
    return static_cast<std::int64_t>(group->second.waiting.size());
}

bool Sessions::admits(const std::string& resource) const {
    const auto& balances = std::as_const(balances_).all();
    const auto found = balances.find(resource);
    return found != balances.end() &&
           (found->second.ledger->resource().enforcement != core::Enforcement::hard ||
            standing(resource).available > core::Amount{});
}

void Sessions::answered(bool reached) {
    answered_at_ = time_.monotonic();
    carried_at_.reset();
    if (!reached) asked_at_.reset();
    reached_ = reached;
    for (auto& [resource, group] : groups_) {
        if (is_returnable(resource)) {
            answer_checkouts(resource, group, reached);
            continue;
        }
        std::list<WaitingOrder> waiting = std::exchange(group.waiting, {});
        for (WaitingOrder& order : waiting) {
            if (admits(resource)) {
                begin(std::move(order.order), std::move(order.done));
            } else if (order.carried || !reached) {
                order.done(refusal(resource));
            } else {
                group.waiting.push_back(std::move(order));
            }
        }
    }
    reconsider_all();
}

void Sessions::reconsider(const std::vector<std::string>& resources) {
    for (const std::string& resource : resources) consider(resource, groups_[resource]);
    arm();
}

void Sessions::reconsider_all() {
    for (const auto& [resource, balance] : balances_.all()) consider(resource, groups_[resource]);
    arm();
}

void Sessions::consider(const std::string& resource, Group& group) {
    if (shut_down_) return;
    Balance* balance = balances_.find(resource);
    if (balance == nullptr) return;
    note_mode(balance->ledger->resource(), group);
    if (balance->supply.begin_cycle(time_.range())) balance->asked = false;
    core::refresh(balance->supply, *balance->ledger, time_.range());
    const core::Enforcement enforcement = balance->ledger->resource().enforcement;
    if (is_returnable(resource)) return consider_holdings(resource, group);
    if (!group.counts) {
        tell_news(*balance->ledger, group, false);
        return serve_waiting(group);
    }
    settle_overage(resource, group);
    note_stale(resource, group, *balance);
    const Meters now = meters(resource, group);
    const bool at_zero = !group.running.empty() && now.left_ms() <= 0;
    if (at_zero && enforcement == core::Enforcement::hard && !METERBOX_MUTANT(stop_forgotten)) {
        reached_zero(resource, group, now);
    } else {
        group.zero_since.reset();
        const auto sessions = std::max<std::int64_t>(1, static_cast<std::int64_t>(group.running.size()));
        group.used_up_at = time_.monotonic() + std::max<std::int64_t>(0, now.left_ms()) / sessions;
    }
    const bool half_used =
        std::max<std::int64_t>(0, now.left_ms()) <= core::ask_below(balance->supply).value();
    if (half_used && !balance->asked && !balance->supply.final) {
        balance->asked = true;
        ask(now.left_ms() > 0 ? core::SyncReason::completion : core::SyncReason::asked);
    }
    balance->supply.silent = is_account_silent();
    const core::BalanceState state = standing(resource).state;
    tell_news(*balance->ledger, group, state != core::BalanceState::ok);
    serve_waiting(group);
}

// A tranche has begun to be valid: overage takes its units before anybody else does (I5).
void Sessions::settle_overage(const std::string& resource, Group& group) {
    const core::ResourceLedger& ledger = *balances_.find(resource)->ledger;
    const JournalNow now = time_.journal_now();
    if (group.settling || balances_.suspicion() || ledger.overage_units() == core::Units{} ||
        ledger.leased(now.range) == core::Units{})
        return;
    group.settling = true;
    store_.submit(journal_job(
        [this, now] {
            journal_.settle_overage(now);
            return true;
        },
        [this, resource](const core::Result<void>&, std::optional<bool>) {
            groups_[resource].settling = false;
            published_(balances_.publish(journal_.take_publications()));
        }));
}

void Sessions::reached_zero(const std::string& resource, Group& group, const Meters& now) {
    const core::MonotonicTime moment = time_.monotonic();
    const Balance& balance = *balances_.find(resource);
    // Before that moment it wasn't used up by what runs: a report took the rest, or a grant ended, and up
    // to now they ran all the same.
    const bool by_running = !group.used_up_at || moment >= *group.used_up_at;
    // Out of reach it is exhausted at once (R6), also if that was found out only by asking.
    if (balance.supply.nothing_to_be_had())
        return stop_all(group, now.before.available,
                        by_running && (!group.zero_since || !balance.supply.reachable));
    if (!group.zero_since) {
        group.zero_since = moment;
        ask(core::SyncReason::asked);
    } else if (moment - *group.zero_since >= core::limits::exhaustion_answer_ms) {
        stop_all(group, now.before.available, false);
    }
}

// At 0 sessions run on for the account's answer, at most for so long (R6), however late anybody looks.
core::MonotonicTime Sessions::waiting_end(const Group& group, core::MonotonicTime now) const {
    if (!group.zero_since) return now;
    const core::MonotonicTime since =
        std::min(*group.zero_since, group.used_up_at.value_or(*group.zero_since));
    return std::min(now, since + core::limits::exhaustion_answer_ms);
}

// exactly: each session is metered to the moment at which the balance was used up, however late the
// timer was. Otherwise it ran on, waiting for the account's answer, until now, and that is overage.
void Sessions::stop_all(Group& group, core::Amount available, bool exactly) {
    const core::MonotonicTime now = time_.monotonic();
    const std::vector<Session*> stopped = group.running;
    std::vector<core::MonotonicTime> marks;
    for (const Session* session : stopped) marks.push_back(counted_from(*session, group));
    std::vector<core::Amount> shares;
    if (exactly) {
        shares = core::share_out(available, marks, now);
        // A report took the rest since: up to the moment that was known before it, they ran all the same.
        const core::MonotonicTime known = std::min(now, group.used_up_at.value_or(now));
        for (std::size_t i = 0; i < marks.size(); ++i)
            if (group.used_up_at) shares[i] = std::max(shares[i], core::Amount{known - marks[i]});
    } else {
        const core::MonotonicTime end = waiting_end(group, now);
        for (const core::MonotonicTime mark : marks)
            shares.emplace_back(std::max<std::int64_t>(0, end - mark));
    }
    std::vector<SessionSlice> slices;
    for (std::size_t i = 0; i < stopped.size(); ++i)
        slices.push_back(stop(*stopped[i], group, marks[i] + shares[i].value()));
    group.zero_since.reset();
    submit(std::move(slices), [](const core::Result<void>&) {});
}

// What it ran up to then, and nobody has confirmed yet, is held for it.
SessionSlice Sessions::stop(Session& session, Group& group, core::MonotonicTime at) {
    halt(session);
    session.record.stop_at = at;
    group.held_ms += group.modes.counted(session.record.mark, at, group.counts).value();
    SessionSlice slice = take_slice(session, reach(session, time_.monotonic()));
    tell(session);
    return slice;
}

void Sessions::tell(Session& session) {
    if (!session.stream) return;
    const SessionView now = view(session);
    session.told_low = now.state == SessionState::low;
    session.stream->send("state", session_json(now));
}

// Who is connected learns of a change of state, and of a lease that moves the end.
void Sessions::tell_news(const core::ResourceLedger& ledger, Group& group, bool low) {
    core::Units granted;
    for (const core::Tranche& tranche : ledger.tranches()) granted += tranche.granted;
    const bool leased = std::exchange(group.granted, granted) != granted;
    for (Session* session : group.running)
        if (session->stream && (leased || session->told_low != low)) tell(*session);
}

// Who waits begins when there is something again, and is refused when the answer takes too long.
void Sessions::serve_waiting(Group& group) {
    if (group.waiting.empty()) return;
    const core::MonotonicTime now = time_.monotonic();
    const bool admitted = admits(group.waiting.front().order.resource);
    std::list<WaitingOrder> served;
    for (auto waiting = group.waiting.begin(); waiting != group.waiting.end();) {
        const auto next = std::next(waiting);
        if (admitted || now >= waiting->deadline) served.splice(served.end(), group.waiting, waiting);
        waiting = next;
    }
    for (WaitingOrder& waiting : served) {
        if (admitted) {
            begin(std::move(waiting.order), std::move(waiting.done));
        } else {
            waiting.done(refusal(waiting.order.resource));
        }
    }
}

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
