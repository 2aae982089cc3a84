// When to talk and what to say; what the answers mean is in account_answers.cpp.
#include "agent/account_link.hpp"

#include <algorithm>
#include <utility>

#include "agent/journal_job.hpp"
#include "agent/meter.hpp"
#include "core/limits.hpp"

namespace meterbox::agent {

namespace {

constexpr std::int64_t timer_max_ms = core::hour_ms;

AccountLink::Retiring retiring_from(const std::string& text) {
    if (text == "draining") return AccountLink::Retiring::draining;
    if (text == "sealed") return AccountLink::Retiring::sealed;
    if (text == "retired") return AccountLink::Retiring::retired;
    return AccountLink::Retiring::no;
}

}  // namespace

AccountLink::AccountLink(platform::system::Timers& timers, AgentTime& time, Journal& journal,
                         platform::store::StoreThread& store, Balances& balances, Sessions& sessions,
                         UsageRate& rate, platform::system::Random& random, platform::system::Log& log,
                         std::int64_t interval_ms, Listener listener, Verify verify)
    : timer_(timers.make([this] { pump(); })),
      time_(time),
      journal_(journal),
      store_(store),
      balances_(balances),
      sessions_(sessions),
      rate_(rate),
      random_(random),
      log_(log),
      listener_(std::move(listener)),
      verify_(std::move(verify)),
      plan_(interval_ms) {
    const auto& meta = journal_.meta();
    const auto text = [&meta](const char* key) {
        const auto found = meta.find(key);
        return found == meta.end() ? std::string() : found->second;
    };
    const auto number = [&text](const char* key, std::int64_t fallback) {
        const std::string value = text(key);
        return value.empty() ? fallback : std::stoll(value);
    };
    lease_text_ = text("lease");
    lease_number_ = number("lease_number", 0);
    epoch_ = number("epoch", 1);
    lease_epoch_ = number("lease_epoch", lease_text_.empty() ? 0 : epoch_);
    knows_catalogue_ = meta.contains("epoch");  // both are stored with an answer to hello
    incarnation_ = journal_.incarnation();
    acknowledged_ = journal_.settled();
    supply_ = supply_from_json(text("supply"));
    retiring_ = retiring_from(text("retiring"));
    apply_supply();
}

void AccountLink::connect(Identity identity, platform::Transport& transport, std::string url) {
    url_ = std::move(url);
    identity_ = std::move(identity);
    identity_lost_.reset();
    transport_ = &transport;
    plan_.set_enrolled(retiring_ != Retiring::retired, time_.boot());
    say_nothing_new();
    apply_supply();
    pump();
}

void AccountLink::lose_identity(const core::Error& why) {
    identity_lost_ = why;
    balances_.note_turned_away(why.detail);
    say_nothing_new();  // one that was retiring begins nothing
}

void AccountLink::renewed(const Identity& identity) {
    identity_->certificate = identity.certificate;
    identity_->life = identity.life;
    if (standing_ == core::wire::Standing::expired) {  // of the one before
        standing_.reset();
        balances_.note_turned_away({});
    }
    if (plan_.consecutive_failures() > 0) wake(core::SyncReason::asked);  // perhaps for want of this
}

void AccountLink::not_renewed(const core::Error& why) {
    balances_.note_turned_away(why.detail);
}

void AccountLink::stop() {
    stopped_ = true;
    timer_->cancel();
    const core::Error stopping{core::ErrorCode::unreachable, "the agent is stopping", {}, {}};
    for (Waiter& waiter : std::exchange(waiters_, {})) waiter.done(stopping);
    for (const Done& done : std::exchange(retire_waiters_, {})) done(stopping);
}

std::optional<std::int64_t> AccountLink::next_sync_in_ms() const {
    if (!identity_) return std::nullopt;
    return std::max<std::int64_t>(0, plan_.due() - time_.boot());
}

core::Units AccountLink::pending_units() const {
    core::Units pending;
    for (const auto& [resource, balance] : balances_.all())
        pending += std::max(core::Units{}, balance.ledger->completed() - heard_of(resource, balance));
    return pending;
}

// What this process brought; before it brought anything, what the stored card had counted.
core::Units AccountLink::heard_of(const std::string& resource, const Balance& balance) const {
    const auto brought = brought_.find(resource);
    return brought == brought_.end() ? balance.supply.completed_at_card : brought->second;
}

void AccountLink::wake(core::SyncReason reason) {
    plan_.wake(reason, time_.boot());
    pump();
}

void AccountLink::sync_now(Done done) {
    if (identity_lost_) return done(*identity_lost_);
    if (!identity_)
        return done(core::Error{core::ErrorCode::not_enrolled,
                                "this agent is not enrolled; run: meterbox enroll URL --token T",
                                {},
                                {}});
    if (retiring_ == Retiring::retired) return done(Meter::refusal_when_closed());
    waiters_.push_back({std::move(done)});
    wake(core::SyncReason::asked);
}

void AccountLink::ledgers_changed(const std::vector<std::string>& resources) {
    for (const std::string& resource : resources) {
        const Balance* balance = balances_.find(resource);
        if (balance == nullptr) continue;
        const bool completed = balance->ledger->completed() > heard_of(resource, *balance);
        if (!completed && balance->ledger->held() == brought_held_[resource]) continue;
        return wake(core::SyncReason::completion);
    }
}

void AccountLink::pump() {
    if (busy_ || stopped_) return;
    if (may_seal()) return seal();
    const core::SyncPlan::Next next = plan_.next(time_.boot());
    switch (next.step) {
        case core::SyncPlan::Step::idle:
            return;
        case core::SyncPlan::Step::hello:
            return say_hello();
        case core::SyncPlan::Step::sync:
            return retiring_ == Retiring::sealed ? say_last_word() : sync();
        case core::SyncPlan::Step::wait:
            break;
    }
    const bool waits_for_sessions = retiring_ == Retiring::draining;
    timer_->arm(std::min(next.wait_ms, waits_for_sessions ? core::second_ms : timer_max_ms));
}

core::wire::ClockStatement AccountLink::clock_statement() const {
    const core::ClockReading reading = time_.read();
    const core::ClockRecord record = time_.trusted().record(reading);
    return {time_.trusted().now(reading), std::string(core::name_of(time_.trusted().quality())),
            record.high_water.value_or(core::UtcTime{})};
}

core::wire::ResourceCounters AccountLink::counters_of(const core::ResourceLedger& ledger,
                                                      const CounterReading& reading) const {
    core::wire::ResourceCounters counters;
    counters.resource = ledger.resource().key;
    counters.metered = ledger.metered();
    counters.remainder = ledger.remainder();
    counters.held = ledger.held();
    counters.overage_units = core::overage_units(ledger, time_.range());
    for (const core::Tranche& tranche : ledger.tranches())
        counters.tranches.push_back({tranche.id, tranche.used, tranche.returned, {}});
    for (const CounterReading::HourUnits& hour : reading.hours) {
        if (hour.resource != counters.resource) continue;
        for (core::wire::TrancheCounters& tranche : counters.tranches)
            if (tranche.tranche == hour.tranche) tranche.hours.push_back(hour.units);
    }
    return counters;
}

// Need: what can't wait. Wanted: the reserve, asked for anew once half of what the lease gave is used.
void AccountLink::ask_for(core::wire::ResourceCounters& counters, const core::ResourceLedger& ledger) {
    const core::Resource& resource = ledger.resource();
    const core::UtcTime now = time_.utc();
    rate_.observe(resource.key, ledger.metered(), now);
    counters.rate_per_hour = rate_.mean_per_hour(resource.key);
    counters.idle = sessions_.count(resource.key) == 0 && rate_.idle(resource.key, now);
    if (resource.enforcement == core::Enforcement::none) return;
    if (resource.kind == core::Kind::returnable) return ask_for_capacity(counters, ledger);
    if (resource.measure == core::Measure::duration) {
        const core::Amount running{sessions_.count(resource.key) * core::hour_ms};
        counters.rate_per_hour = std::max(counters.rate_per_hour, running);
    }
    Balance& balance = *balances_.find(resource.key);
    const core::Units waiting{sessions_.carry_waiting(resource.key)};
    const core::Units spendable = ledger.spendable(time_.range());
    const core::Amount available = sessions_.standing(resource.key).available;
    counters.running = std::max(core::Amount{}, sessions_.running(resource.key));
    const core::Units free = available > core::Amount{} ? spendable : core::Units{};
    counters.need = ledger.overage_units() + std::max(core::Units{}, waiting - free);
    if (counters.need > core::Units{}) rate_.needed(resource.key, now);

    const bool half_used = available <= core::ask_below(balance.supply);
    if (half_used) {
        const std::int64_t hours = core::limits::lease_horizon_default_ms / core::hour_ms;
        const std::int64_t units = std::min(counters.rate_per_hour.value(), core::limits::units_max) * hours /
                                   resource.unit_size.value();
        counters.wanted = core::Units{std::clamp<std::int64_t>(units, 1, core::limits::units_max)};
    }
    if (counters.need == core::Units{} && counters.wanted == core::Units{}) return;
    balance.asked = true;
    note_asked(ledger);
}

void AccountLink::note_asked(const core::ResourceLedger& ledger) {
    core::Units granted;
    for (const core::Tranche& tranche : ledger.tranches()) granted += tranche.granted;
    const std::string& key = ledger.resource().key;
    exchange_.asked.push_back({key, granted, sessions_.standing(key).available == core::Amount{}});
}

// What is held beyond what is leased, what is being taken in this moment, and the checkouts that wait.
void AccountLink::ask_for_capacity(core::wire::ResourceCounters& counters,
                                   const core::ResourceLedger& ledger) {
    const std::string& key = ledger.resource().key;
    const core::Units checkouts = sessions_.carry_checkouts(key);
    const core::Units opening = std::max(core::Units{}, sessions_.held(key) - ledger.held());
    counters.need = counters.overage_units + opening + checkouts;
    counters.idle = ledger.held() == core::Units{} && counters.need == core::Units{};
    if (counters.need > core::Units{}) note_asked(ledger);
}

// First a link that no copy of this disk has, so that the account can tell it from them. On a full disk
// it goes without: then the account may want to hear it again.
void AccountLink::say_hello() {
    busy_ = true;
    if (start_marked_) return read_for_hello();
    store_.submit(journal_job([] { return 0; },
                              [this](const core::Result<void>& committed, std::optional<int>) {
                                  start_marked_ = committed.has_value();
                                  if (!stopped_) read_for_hello();
                              }));
}

// With all its starts: whoever was fenced doesn't share the link that was acknowledged with who goes on.
CounterReading AccountLink::read_for_hello_at(std::int64_t acknowledged) {
    CounterReading reading = journal_.read_counters(0, acknowledged);
    if (auto starts = journal_.chain().starts_after(0, core::limits::journal_starts_max))
        reading.starts = std::move(*starts);
    return reading;
}

void AccountLink::read_for_hello() {
    store_.read(journal_read([this, known = acknowledged_] { return read_for_hello_at(known); },
                             [this](std::optional<CounterReading> reading) {
                                 if (!reading || stopped_) return;
                                 send_hello(std::move(*reading));
                             }));
}

void AccountLink::send_hello(CounterReading reading) {
    nonce_ = platform::system::random_hex(random_);
    core::wire::HelloRequest hello;
    hello.agent = identity_->agent;
    hello.incarnation = incarnation_;
    hello.boot_id = time_.boot_id();
    hello.version = METERBOX_VERSION;
    hello_head_ = reading.head;
    hello.head = std::move(reading.head);
    hello.acknowledged = std::move(reading.acknowledged);
    hello.starts = std::move(reading.starts);
    hello.last_lease = lease_text_;
    hello.nonce = nonce_;
    hello.clock = clock_statement();
    for (const core::ResourceLedger& ledger : reading.ledgers)
        hello.resources.push_back(counters_of(ledger, reading));
    transport_->exchange("/v1/hello", core::wire::to_json(hello),
                         [this](core::Result<platform::Answer> answer) {
                             if (!stopped_) heard_hello(answer);
                         });
}

void AccountLink::sync() {
    busy_ = true;
    for (Waiter& waiter : waiters_) waiter.carried = true;
    store_.read(journal_read(
        [this, known = acknowledged_] {
            return journal_.read_counters(core::limits::sync_usage_rows_max, known);
        },
        [this](std::optional<CounterReading> reading) {
            if (!reading || stopped_) return;
            send_sync(std::move(*reading));
        }));
}

void AccountLink::send_sync(CounterReading reading) {
    exchange_ = {};
    exchange_.change = reading.change;
    exchange_.usage_keys = std::move(reading.usage_keys);
    exchange_.more_usage = reading.more_usage;
    core::wire::SyncRequest& request = exchange_.request;
    request.session = session_;
    request.request_number = ++request_number_;
    request.usage = std::move(reading.usage);
    request.head = std::move(reading.head);
    request.acknowledged = std::move(reading.acknowledged);
    request.starts = std::move(reading.starts);
    request.catalogue_version = catalogue_version_;
    request.more_usage = !reading.whole_usage;
    request.lease_number = lease_number_;
    for (const core::ResourceLedger& ledger : reading.ledgers) {
        core::wire::ResourceCounters counters = counters_of(ledger, reading);
        exchange_.completed[counters.resource] = ledger.completed();
        exchange_.charged[counters.resource] = core::charged_by(ledger);
        exchange_.held[counters.resource] = ledger.held();
        ask_for(counters, ledger);
        request.resources.push_back(std::move(counters));
    }
    transport_->exchange("/v1/sync", core::wire::to_json(request),
                         [this](core::Result<platform::Answer> answer) {
                             if (!stopped_) heard_sync(answer);
                         });
}

}  // namespace meterbox::agent
