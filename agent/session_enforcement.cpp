// When sessions must stop, what is asked of the account before that, who is told, and who waits for units.
// When to look again is in session_timer.cpp.
#include <algorithm>
#include <utility>

#include "agent/journal_job.hpp"
#include "agent/sessions.hpp"
#include "core/assert.hpp"
#include "core/mutant.hpp"
#include "core/refresh.hpp"
#include "core/share_out.hpp"

namespace meterbox::agent {

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
            standing(resource).available > core::Amount{} || METERBOX_MUTANT(admitted_at_zero));
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
                group.refused_at = answered_at_;
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
    Group& group = groups_[session.record.resource];
    if (group.told_low != session.told_low) group.told_low.reset();
    session.stream->send("state", session_json(now));
}

// Who is connected learns of a change of state, and of a lease that moves the end.
void Sessions::tell_news(const core::ResourceLedger& ledger, Group& group, bool low) {
    core::Units granted;
    for (const core::Tranche& tranche : ledger.tranches()) granted += tranche.granted;
    const bool leased = std::exchange(group.granted, granted) != granted;
    if (!leased && group.told_low == low) return;  // so that what is no news costs nothing, however many run
    group.told_low = low;
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

}  // namespace meterbox::agent
