// What the account's answers mean: a lease is judged before it is stored, and counts once it is.
#include <algorithm>
#include <utility>

#include "agent/account_link.hpp"
#include "agent/account_refusal.hpp"
#include "agent/journal_job.hpp"

namespace meterbox::agent {

core::Error AccountLink::with_context(const char* context, core::Error error) {
    error.detail = std::string(context) + ": " + error.detail;
    return error;
}

void AccountLink::heard_sync(const core::Result<platform::Answer>& answer) {
    if (!answer) return failed(answer.error(), false);
    if (answer->status != 200) {
        const bool session_lost = answer->status == 404 || answer->status == 409;
        return refused(*answer, session_lost);
    }
    auto reply = core::wire::sync_reply_from_json(answer->body);
    if (!reply) return failed(with_context("the answer to sync", reply.error()), false);
    const core::ClockReading reading = time_.read();
    exchange_.answered_at = reading.boot;
    time_.trusted().anchor(reply->server_time, reading);
    take_up(std::move(*reply));
}

core::Result<std::optional<core::Lease>> AccountLink::judge(const core::wire::SyncReply& reply) const {
    if (!reply.lease) return std::optional<core::Lease>{};
    const auto claims = claims_of(*reply.lease);
    if (!claims) return claims.error();
    auto lease = core::lease_from_json(*claims);
    if (!lease) return with_context("the lease", lease.error());
    if (lease->key_fingerprint != identity_->key_fingerprint)
        return core::Error{core::ErrorCode::forbidden, "the lease: it is for another key", {}, {}};
    const auto fits = core::admit(*lease, {identity_->agent, incarnation_, epoch_, nonce_, lease_number_});
    if (fits) return std::optional(std::move(*lease));
    if (fits.error().code == core::ErrorCode::conflict) return std::optional<core::Lease>{};
    return with_context("the lease", fits.error());
}

namespace {

// U, as the account was told of it, of the tranches whose end its card says.
std::map<std::string, core::Units> used_of_turns(const core::Card& card,
                                                 const std::vector<core::wire::ResourceCounters>& told) {
    std::map<std::string, core::Units> used;
    const auto counters = std::ranges::find(told, card.resource, &core::wire::ResourceCounters::resource);
    if (counters == told.end()) return used;
    for (const core::CardTier& tier : card.tiers) {
        for (const core::CardTurn& turn : tier.turns) {
            const auto tranche =
                std::ranges::find(counters->tranches, turn.tranche, &core::wire::TrancheCounters::tranche);
            if (tranche != counters->tranches.end()) used[turn.tranche] = tranche->used;
        }
    }
    return used;
}

}  // namespace

SupplyRecord AccountLink::supply_after(const core::wire::SyncReply& reply,
                                       const std::optional<core::Lease>& lease) const {
    SupplyRecord record = supply_;
    record.last_sync_at = reply.server_time;
    record.synced_at_boot = exchange_.answered_at;
    record.boot_id = time_.boot_id();
    for (const core::Card& card : reply.cards) {
        SupplyRecord::Entry& entry = record.resources[card.resource];
        entry.card = card;
        const auto completed = exchange_.completed.find(card.resource);
        if (completed == exchange_.completed.end()) continue;
        entry.completed_at_card = completed->second;
        entry.charged_at_card = exchange_.charged.at(card.resource);
        entry.used_at_card = used_of_turns(card, exchange_.request.resources);
        entry.held_at_card = exchange_.held.at(card.resource);
    }
    if (!lease) return record;
    record.spend_until = lease->spend_until;
    record.cycle_begins_at.reset();
    if (!lease->cycle_boundaries.empty()) record.cycle_begins_at = lease->cycle_boundaries.front();
    record.low_percent = lease->policy.low_percent;
    for (const core::LeaseResource& leased : lease->resources) {
        SupplyRecord::Entry& entry = record.resources[leased.key];
        entry.final = std::any_of(leased.tranches.begin(), leased.tranches.end(),
                                  [](const core::LeaseTranche& tranche) { return tranche.final; });
    }
    return record;
}

// An idle sync tells nothing new, and writes nothing.
bool AccountLink::is_news(const core::wire::SyncReply& reply, const std::optional<core::Lease>& lease) const {
    const auto completed_here = [this](const std::string& resource) {
        const auto found = exchange_.completed.find(resource);
        return found == exchange_.completed.end() ? core::Units{} : found->second;
    };
    if (lease || reply.catalogue || !exchange_.usage_keys.empty() || !exchange_.returns.empty()) return true;
    for (const core::wire::ResourceCounters& counters : exchange_.request.resources)
        for (const core::wire::TrancheCounters& tranche : counters.tranches)
            if (!tranche.hours.empty()) return true;
    return std::any_of(reply.cards.begin(), reply.cards.end(), [&](const core::Card& card) {
        const auto known = supply_.resources.find(card.resource);
        return known == supply_.resources.end() || !known->second.card ||
               !same_but_for_time(*known->second.card, card) ||
               known->second.completed_at_card != completed_here(card.resource);
    });
}

void AccountLink::take_up(core::wire::SyncReply reply) {
    const auto lease = judge(reply);
    if (!lease) return failed(lease.error(), false);
    SupplyRecord supply = supply_after(reply, *lease);
    exchange_.returns = returns_for(reply.recall, balances_, sessions_, time_.range());
    if (!is_news(reply, *lease)) {
        supply_ = std::move(supply);
        return took_up(reply, std::nullopt);
    }
    struct Stored {
        SupplyRecord supply;
        bool returned = false;
    };
    auto apply = [this, reply, lease = *lease, supply, usage = exchange_.usage_keys,
                  change = exchange_.change, returns = exchange_.returns, now = time_.journal_now(),
                  at = time_.mode_moment(), clock = time_.record_text()]() mutable {
        Stored stored;
        journal_.keep_clock(clock);
        if (reply.catalogue) journal_.describe(*reply.catalogue, at);
        if (lease) {
            journal_.take_lease(*lease, now);
            journal_.set_meta("lease", *reply.lease);
            journal_.set_meta("lease_number", std::to_string(lease->number));
            journal_.set_meta("lease_epoch", std::to_string(lease->epoch));
        }
        for (const Return& give : returns)
            stored.returned = journal_.give_back(give, now) > core::Units{} || stored.returned;
        // What the lease gives is measured where it is taken up: later reports make it smaller.
        if (lease || stored.returned) {
            for (const LedgerView& ledger : journal_.ledgers()) {
                SupplyRecord::Entry& entry = supply.resources[ledger->resource().key];
                entry.last_lease = ledger->available(now.range);
                entry.last_exposure = ledger->exposure(now.range);
            }
        }
        journal_.settle(usage, change);
        journal_.set_meta("supply", supply_to_json(supply));
        stored.supply = std::move(supply);
        return stored;
    };
    auto finish = [this, reply, lease = *lease](const core::Result<void>& committed,
                                                std::optional<Stored> stored) {
        if (!committed) {
            listener_.published(balances_.publish(journal_.take_publications()));
            return failed(committed.error(), false);
        }
        supply_ = std::move(stored->supply);
        exchange_.returned = stored->returned;
        if (lease) {
            lease_number_ = lease->number;
            lease_epoch_ = lease->epoch;
            lease_text_ = *reply.lease;
        }
        took_up(reply, lease);
    };
    store_.submit(journal_job(std::move(apply), std::move(finish)));
}

void AccountLink::took_up(const core::wire::SyncReply& reply, const std::optional<core::Lease>& lease) {
    std::map<std::string, core::Units> used_before;
    for (const auto& [key, balance] : balances_.all()) used_before[key] = balance.ledger->used();
    const std::vector<std::string> changed = balances_.publish(journal_.take_publications());
    if (reply.catalogue) catalogue_version_ = reply.catalogue_version;
    acknowledged_ = reply.acknowledged.sequence;
    learning_ = reply.learning;
    balances_.note_learning(learning_);
    for (const auto& [resource, completed] : exchange_.completed) brought_[resource] = completed;
    brought_held_ = exchange_.held;
    reachable_ = true;
    heard_outcome_ = true;
    balances_.note_storage({});
    apply_supply();
    bool overage_covered = false;
    for (auto& [key, balance] : balances_.all()) {
        if (lease) balance.asked = false;
        const auto before = used_before.find(key);
        overage_covered = overage_covered ||
                          (before != used_before.end() && lease && balance.ledger->used() > before->second);
    }
    forget_refusals();
    for (const Asked& asked : exchange_.asked) {
        Balance& balance = *balances_.find(asked.resource);
        core::Units granted;
        for (const core::Tranche& tranche : balance.ledger->tranches()) granted += tranche.granted;
        if (granted > asked.granted_before) {
            balance.supply.refused = false;
        } else {
            given_nothing(asked, balance);
        }
    }
    ++syncs_;
    last_error_.clear();
    standing_.reset();
    if (reported_.changed("ok")) log_.info("sync.ok", {{"account", url_}});
    plan_.sync_succeeded(time_.boot(), reply.next_sync_ms, random_.number());
    brought_all_ = !exchange_.more_usage && !exchange_.returned;
    if (exchange_.more_usage || exchange_.returned) plan_.wake(core::SyncReason::more, time_.boot());
    if (overage_covered) plan_.wake(core::SyncReason::completion, time_.boot());
    listener_.published(changed);
    ended({});
}

// A refusal is of the day on which it was asked: where nothing had to be asked this time, there is enough
// again (a refresh, say), and half of that is when to ask anew.
void AccountLink::forget_refusals() {
    for (auto& [key, balance] : balances_.all()) {
        if (!balance.supply.refused) continue;
        const bool asked =
            std::any_of(exchange_.asked.begin(), exchange_.asked.end(),
                        [&resource = key](const Asked& request) { return request.resource == resource; });
        if (asked) continue;
        balance.supply.refused = false;
        balance.asked = false;
    }
}

// The account gave nothing: because its pool is empty, or because what is held here is the share that
// it has for this agent. Then half of what is left is when to ask again.
void AccountLink::given_nothing(const Asked& asked, Balance& balance) {
    const std::string& resource = asked.resource;
    if (balance.ledger->resource().kind == core::Kind::returnable) {
        balance.supply.refused = true;
        return;
    }
    const std::optional<core::Card>& team = balance.supply.team;
    const bool pool_empty = learning_ || !team ||
                            (!team->payg_open && team->available_units - team->leased_units <= core::Units{});
    const core::Amount available = sessions_.standing(resource).available;
    // Who asked at 0 and has nothing still was told no, even if there is something that waits for others. Who
    // came to 0 since then asks again.
    balance.supply.refused = pool_empty || (asked.at_zero && available == core::Amount{});
    balance.asked = balance.supply.refused;
    if (balance.asked) return;
    SupplyRecord::Entry& entry = supply_.resources[resource];
    balance.supply.last_lease = entry.last_lease = available;
    balance.supply.last_exposure = entry.last_exposure =
        std::min(available, balance.ledger->exposure(time_.range()));
}

// What the last answer said, put where the gate looks.
void AccountLink::apply_supply() {
    for (auto& [key, balance] : balances_.all()) {
        const auto known = supply_.resources.find(key);
        core::Supply& supply = balance.supply;
        // Until it is known to be out of reach, what is at 0 waits for its answer (R6).
        supply.reachable = reachable_ || (identity_ && !heard_outcome_);
        supply.low_percent = supply_.low_percent;
        if (known == supply_.resources.end()) continue;
        supply.team = known->second.card;
        supply.completed_at_card = known->second.completed_at_card;
        supply.charged_at_card = known->second.charged_at_card;
        supply.used_at_card = known->second.used_at_card;
        supply.held_at_card = known->second.held_at_card;
        supply.last_lease = known->second.last_lease;
        supply.last_exposure = known->second.last_exposure;
        supply.final = known->second.final;
        supply.spend_until = supply_.spend_until;
        supply.cycle_begins_at = supply_.cycle_begins_at;
    }
}

void AccountLink::refused(const platform::Answer& answer, bool session_lost) {
    const core::wire::Refusal refusal = refusal_of(answer);
    standing_ = refusal.standing;
    using core::wire::Standing;
    const bool by_somebody =
        standing_ == Standing::revoked || standing_ == Standing::fenced || standing_ == Standing::unknown;
    // Of one that has expired the answer to its renewal says whether somebody is needed.
    if (standing_ != Standing::expired) balances_.note_turned_away(by_somebody ? refusal.error.detail : "");
    failed(refusal.error, session_lost);
}

void AccountLink::failed(const core::Error& error, bool session_lost) {
    ++failures_;
    last_error_ = error.detail;
    brought_all_ = false;
    if (standing_ == core::wire::Standing::revoked) {
        plan_.turned_away(time_.boot(), random_.number());
    } else if (session_lost) {
        plan_.session_lost(time_.boot(), random_.number());
    } else {
        plan_.failed(time_.boot(), random_.number());
    }
    if (session_lost && plan_.due() <= time_.boot()) {  // hello follows at once: nothing is known to be wrong
        busy_ = false;
        return pump();
    }
    reachable_ = false;
    heard_outcome_ = true;
    balances_.note_storage(error.code == core::ErrorCode::storage ? error.detail : "");
    apply_supply();
    core::Error later = error;
    later.detail += "; it is tried again until the account has answered";
    for (const Done& done : std::exchange(retire_waiters_, {})) done(later);
    if (reported_.changed(error.detail))
        log_.warn("sync.failed", {{"account", url_}, {"detail", error.detail}});
    ended(error);
}

void AccountLink::ended(const core::Result<void>& outcome) {
    busy_ = false;
    std::vector<Waiter> waiters = std::exchange(waiters_, {});
    for (Waiter& waiter : waiters) {
        if (outcome && !waiter.carried) {
            waiters_.push_back(std::move(waiter));
        } else {
            waiter.done(outcome);
        }
    }
    if (!waiters_.empty()) plan_.wake(core::SyncReason::asked, time_.boot());
    listener_.answered(static_cast<bool>(outcome));
    pump();
}

}  // namespace meterbox::agent
