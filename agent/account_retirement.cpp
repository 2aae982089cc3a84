// Retiring, step by step: nothing new is begun (draining); what ran has ended and all of it is brought; then
// nothing is taken any more (sealed), and the last word is said until its receipt is there (retired). Each
// step is committed before the next, so that a restart goes on where it was.
#include <utility>

#include "agent/account_link.hpp"
#include "agent/account_refusal.hpp"
#include "agent/journal_job.hpp"
#include "core/limits.hpp"
#include "core/wire_retirement.hpp"

namespace meterbox::agent {

namespace {

// The slot that the remainder has begun: the first that counts.
std::optional<core::wire::RemainderSlot> slot_of(const core::ResourceLedger& ledger, core::Now now) {
    if (ledger.remainder() == core::Amount{}) return std::nullopt;
    for (const core::Tranche& tranche : ledger.tranches())
        if (tranche.valid(now) && tranche.left() > core::Units{})
            return core::wire::RemainderSlot{ledger.resource().key, tranche.id};
    return std::nullopt;
}

}  // namespace

void AccountLink::retire(Done done) {
    if (identity_lost_) return done(*identity_lost_);
    if (!identity_)
        return done(core::Error{core::ErrorCode::not_enrolled, "this agent is not enrolled", {}, {}});
    if (retiring_ == Retiring::retired) return done({});
    retire_waiters_.push_back(std::move(done));
    if (retiring_ != Retiring::no) return wake(core::SyncReason::asked);
    store_.submit(journal_job(
        [this] {
            journal_.set_meta("retiring", "draining");
            return 0;
        },
        [this](const core::Result<void>& committed, std::optional<int>) {
            if (!committed) {
                for (const Done& waiting : std::exchange(retire_waiters_, {})) waiting(committed);
                return;
            }
            retiring_ = Retiring::draining;
            brought_all_ = false;
            log_.info("agent.retiring", {{"agent", identity_->agent}});
            say_nothing_new();
            wake(core::SyncReason::asked);
        }));
}

void AccountLink::say_nothing_new() {
    if (retiring_ != Retiring::no && listener_.drain) listener_.drain();
    if (retiring_ >= Retiring::sealed && listener_.seal) listener_.seal();
}

bool AccountLink::may_seal() const {
    if (retiring_ != Retiring::draining || !brought_all_) return false;
    return !listener_.drained || listener_.drained();
}

// What is submitted before this is part of the last word; nothing is submitted after it.
void AccountLink::seal() {
    busy_ = true;
    if (listener_.seal) listener_.seal();
    store_.submit(journal_job(
        [this] {
            journal_.set_meta("retiring", "sealed");
            return 0;
        },
        [this](const core::Result<void>& committed, std::optional<int>) {
            if (stopped_) return;
            if (!committed) return failed(committed.error(), false);
            retiring_ = Retiring::sealed;
            busy_ = false;
            wake(core::SyncReason::asked);
        }));
}

void AccountLink::say_last_word() {
    busy_ = true;
    store_.read(journal_read(
        [this, known = acknowledged_] {
            return journal_.read_counters(core::limits::sync_usage_rows_max, known);
        },
        [this](std::optional<CounterReading> reading) {
            if (reading && !stopped_) send_last_word(std::move(*reading));
        }));
}

void AccountLink::send_last_word(CounterReading reading) {
    core::wire::RetireRequest request;
    request.session = session_;
    request.usage = std::move(reading.usage);
    request.more_usage = reading.more_usage;
    request.head = std::move(reading.head);
    request.acknowledged = std::move(reading.acknowledged);
    request.starts = std::move(reading.starts);
    for (const core::ResourceLedger& ledger : reading.ledgers) {
        request.resources.push_back(counters_of(ledger, reading));
        if (auto slot = slot_of(ledger, time_.range())) request.slots.push_back(std::move(*slot));
    }
    exchange_ = {};
    exchange_.change = reading.change;
    exchange_.usage_keys = std::move(reading.usage_keys);
    transport_->exchange("/v1/retire", core::wire::to_json(request),
                         [this](core::Result<platform::Answer> answer) {
                             if (!stopped_) heard_receipt(answer);
                         });
}

void AccountLink::heard_receipt(const core::Result<platform::Answer>& answer) {
    if (!answer) return failed(answer.error(), false);
    if (answer->status != 200) return refused(*answer, answer->status == 404 || answer->status == 409);
    const auto reply = core::wire::retire_reply_from_json(answer->body);
    if (!reply) return failed(reply.error(), false);
    store_.submit(journal_job(
        [this, usage = exchange_.usage_keys, change = exchange_.change, receipt = reply->receipt] {
            journal_.settle(usage, change);
            if (receipt.empty()) return 0;
            journal_.hand_over();
            journal_.set_meta("receipt", receipt);
            journal_.set_meta("retiring", "retired");
            return 0;
        },
        [this, receipt = reply->receipt](const core::Result<void>& committed, std::optional<int>) {
            const auto changed = balances_.publish(journal_.take_publications());
            if (stopped_) return;
            listener_.published(changed);
            if (!committed) return failed(committed.error(), false);
            busy_ = false;
            if (receipt.empty()) return wake(core::SyncReason::asked);
            retired(receipt);
        }));
}

void AccountLink::retired(const std::string& receipt) {
    retiring_ = Retiring::retired;
    last_error_.clear();
    standing_.reset();
    plan_.set_enrolled(false, time_.boot());
    log_.info("agent.retired", {{"agent", identity_->agent}, {"receipt", receipt}});
    for (const Done& done : std::exchange(retire_waiters_, {})) done({});
    for (Waiter& waiter : waiters_) waiter.carried = true;  // all was brought, and nothing follows
    ended({});
}

}  // namespace meterbox::agent
