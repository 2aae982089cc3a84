// Sessions on a returnable resource (R10): each takes its quantity out of the pool and gives it back when it
// ends. Nothing of it is metered, and nothing that is held is ever stopped. What is free here goes back to
// the account at once when it is in reach, and is handed out again when it isn't.
#include <algorithm>
#include <utility>

#include "agent/journal_job.hpp"
#include "agent/sessions.hpp"
#include "core/limits.hpp"

namespace meterbox::agent {

bool Sessions::is_returnable(const std::string& resource) const {
    const auto& balances = std::as_const(balances_).all();
    const auto found = balances.find(resource);
    return found != balances.end() && found->second.ledger->resource().kind == core::Kind::returnable;
}

core::Units Sessions::held(const std::string& resource) const {
    const auto group = groups_.find(resource);
    return group == groups_.end() ? core::Units{} : group->second.held;
}

bool Sessions::fits(const SessionOrder& order) const {
    const Balance& balance = std::as_const(balances_).all().at(order.resource);
    if (balance.ledger->resource().enforcement == core::Enforcement::none) return true;
    const core::Units opening{running(order.resource).value()};
    return order.quantity <= core::free_here(*balance.ledger, balance.supply, opening, time_.range());
}

// Waits for the account, which grants exactly its quantity or nothing, unless there is enough here.
void Sessions::check_out(SessionOrder order, Opened done) {
    Group& group = groups_[order.resource];
    if (group.waiting.empty() && fits(order)) return begin(std::move(order), std::move(done));
    const core::MonotonicTime now = time_.monotonic();
    const bool just_answered = answered_at_ && now - *answered_at_ < core::limits::exhaustion_ask_spacing_ms;
    WaitingOrder waiting{std::move(order), std::move(done), now + core::limits::exhaustion_answer_ms};
    const bool never_fits = waiting.order.quantity > core::Units{core::limits::units_max};
    const bool refused = group.refused && waiting.order.quantity >= *group.refused;
    if (never_fits || (just_answered && refused)) return turn_away(std::move(waiting));
    ask(core::SyncReason::asked);
    if (!balances_.find(waiting.order.resource)->supply.reachable) return turn_away(std::move(waiting));
    group.waiting.push_back(std::move(waiting));
    arm();
}

// What it held comes back, here or to the account: a refusal of before says nothing of it.
void Sessions::let_go(const SessionRecord& record) {
    Group& group = groups_[record.resource];
    group.held -= record.quantity;
    group.refused.reset();
}

void Sessions::turn_away(WaitingOrder order) {
    const core::ResourceLedger& ledger = *balances_.find(order.order.resource)->ledger;
    if (ledger.resource().enforcement != core::Enforcement::hard)
        return begin(std::move(order.order), std::move(order.done));
    order.done(refusal(order.order.resource));
}

core::Units Sessions::carry_checkouts(const std::string& resource) {
    if (!carried_at_) carried_at_ = asked_at_;
    asked_at_.reset();
    const auto group = groups_.find(resource);
    core::Units sum;
    // What is on its way back is free here to the account still, which would grant nothing beside it.
    if (group == groups_.end() || group->second.returning > core::Units{}) return sum;
    for (WaitingOrder& waiting : group->second.waiting) {
        waiting.carried = true;
        sum += waiting.order.quantity;
        if (group->second.one_by_one) break;
    }
    return sum;
}

// Those that were asked for together and didn't fit ask again, each by itself, in their order.
void Sessions::answer_checkouts(const std::string& resource, Group& group, bool reached) {
    std::list<WaitingOrder> waiting = std::exchange(group.waiting, {});
    const auto carried = std::count_if(waiting.begin(), waiting.end(),
                                       [](const WaitingOrder& order) { return order.carried; });
    const bool together = reached && carried > 1;
    std::list<WaitingOrder> still;
    group.refused.reset();
    group.answering = true;  // what one doesn't take may be another's
    while (!waiting.empty()) {
        WaitingOrder order = std::move(waiting.front());
        waiting.pop_front();
        if (still.empty() && fits(order.order)) {
            begin(std::move(order.order), std::move(order.done));
        } else if (reached && (together || !order.carried)) {
            order.carried = false;
            still.push_back(std::move(order));
        } else {
            group.refused = std::min(order.order.quantity, group.refused.value_or(order.order.quantity));
            turn_away(std::move(order));
        }
    }
    group.one_by_one = (group.one_by_one || together) && !still.empty();
    group.waiting.splice(group.waiting.begin(), still);
    group.answering = false;
    if (!group.waiting.empty()) ask(core::SyncReason::asked);
    consider(resource, group);
}

void Sessions::consider_holdings(const std::string& resource, Group& group) {
    if (group.answering) return;
    const core::MonotonicTime now = time_.monotonic();
    while (!group.waiting.empty()) {
        const bool served = fits(group.waiting.front().order);
        if (!served && now < group.waiting.front().deadline) break;
        WaitingOrder order = std::move(group.waiting.front());
        group.waiting.pop_front();
        if (served) {
            begin(std::move(order.order), std::move(order.done));
        } else {
            turn_away(std::move(order));
        }
    }
    if (group.waiting.empty()) group.one_by_one = false;
    give_back_unheld(resource, group);
}

void Sessions::give_back_unheld(const std::string& resource, Group& group) {
    const Balance& balance = *balances_.find(resource);
    const bool awaited = !group.waiting.empty() || group.returning > core::Units{};
    if (awaited || !reached_ || balance.supply.suspect) return;
    const core::Units unheld = balance.ledger->kept_beyond(group.held);
    if (unheld == core::Units{}) return;
    group.returning = unheld;
    store_.submit(
        journal_job([this, resource, keep = group.held,
                     now = time_.journal_now()] { return journal_.give_back_beyond(resource, keep, now); },
                    [this, resource](const core::Result<void>& committed, std::optional<core::Units>) {
                        groups_[resource].returning = {};
                        published_(balances_.publish(journal_.take_publications()));
                        if (committed) ask_(core::SyncReason::more);  // else whatever comes next tries again
                    }));
}

// What is held as an hour begins counts in it, though nothing changes.
void Sessions::note_hour() {
    const core::UtcHour hour = core::hour_of(time_.utc());
    if (noted_hour_ == hour) return;
    const bool holds = std::any_of(groups_.begin(), groups_.end(),
                                   [](const auto& entry) { return entry.second.held > core::Units{}; });
    noted_hour_ = hour;
    if (!holds) return;
    store_.submit(journal_job(
        [this, now = time_.journal_now()] {
            journal_.note_held(now);
            return true;
        },
        [this](const core::Result<void>& committed, std::optional<bool>) {
            published_(balances_.publish(journal_.take_publications()));
            if (!committed) noted_hour_.reset();
        }));
}

}  // namespace meterbox::agent
