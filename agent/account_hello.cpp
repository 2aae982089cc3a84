// What hello's answer means: a session begins; or this journal isn't the one that the account knew, and
// the agent goes on as another incarnation, or waits for an operator.
#include <utility>

#include "agent/account_link.hpp"
#include "agent/account_refusal.hpp"
#include "agent/journal_job.hpp"

namespace meterbox::agent {

using core::wire::Verdict;

void AccountLink::heard_hello(const core::Result<platform::Answer>& answer) {
    if (!answer) return failed(answer.error(), false);
    if (answer->status == 409) return mark_start_again(refusal_of(*answer).error);
    if (answer->status != 200) {
        // The receipt was lost: whoever has retired may ask for it without a session.
        const bool done = refusal_of(*answer).standing == core::wire::Standing::retired;
        if (done && retiring_ == Retiring::sealed) return say_last_word();
        return refused(*answer, false);
    }
    auto reply = core::wire::hello_reply_from_json(answer->body);
    if (!reply) return failed(with_context("the answer to hello", reply.error()), false);
    if (reply->verdict == Verdict::upgrade) return failed(other_version(*reply), false);
    const bool fenced = reply->verdict == Verdict::fenced;
    if (fenced && reply->session.empty()) return wait_for_operator();
    if (fenced || reply->verdict == Verdict::ok || reply->verdict == Verdict::learning)
        return begin_session(std::move(*reply));
    failed({core::ErrorCode::forbidden,
            "the account answered hello with " + std::string(core::wire::name_of(reply->verdict)),
            {},
            {}},
           false);
}

// The account knows more of this journal than it holds: a copy, or memory that was put back. Its own link
// will tell.
void AccountLink::mark_start_again(const core::Error& why) {
    store_.submit(journal_job(
        [this] {
            journal_.mark_start();
            return 0;
        },
        [this, why](const core::Result<void>& committed, std::optional<int>) {
            start_marked_ = committed.has_value();
            if (!stopped_) failed(why, committed.has_value());
        }));
}

void AccountLink::begin_session(core::wire::HelloReply reply) {
    // The link that begins an incarnation has its totals from before it, one that marks a start from now.
    if (reply.verdict == Verdict::fenced && !start_marked_)
        return failed({core::ErrorCode::storage, "the start of this journal can't be stored yet", {}, {}},
                      false);
    time_.trusted().anchor(reply.server_time, time_.read());
    if (const auto done = follow_lease_keys(reply); !done) return failed(done.error(), false);
    auto apply = [this, reply, epoch = epoch_after(reply), at = time_.mode_moment(),
                  clock = time_.record_text()] {
        if (reply.verdict == Verdict::fenced) move_to_next_incarnation(reply);
        if (reply.verdict == Verdict::learning) journal_.tell_again_after(reply.usage_acknowledged);
        journal_.dispel_suspicion();
        journal_.keep_clock(clock);
        journal_.describe(reply.catalogue, at);
        journal_.set_meta("epoch", std::to_string(epoch));
        return 0;
    };
    auto finish = [this, reply](const core::Result<void>& committed, std::optional<int>) {
        if (committed && reply.verdict == Verdict::fenced) moved(reply);
        listener_.published(balances_.publish(journal_.take_publications()));
        if (!committed) return failed(committed.error(), false);
        session_ = reply.session;
        standing_.reset();
        balances_.note_turned_away({});
        // Fenced: what it knows of the new incarnation is said by the first sync's answer.
        acknowledged_ = reply.verdict == Verdict::fenced ? 0 : reply.acknowledged.sequence;
        epoch_ = epoch_after(reply);
        request_number_ = 0;
        learning_ = reply.verdict == Verdict::learning;
        balances_.note_learning(learning_);
        catalogue_version_ = reply.catalogue_version;
        knows_catalogue_ = true;
        apply_supply();
        busy_ = false;
        plan_.hello_succeeded(time_.boot());
        // Raised in the transaction that stored this answer, which is to what was said before.
        if (balances_.suspicion()) plan_.session_lost(time_.boot(), random_.number());
        pump();
    };
    store_.submit(journal_job(std::move(apply), std::move(finish)));
}

namespace {

// Of the incarnation that begins nothing is known yet.
SupplyRecord begun_anew(SupplyRecord supply) {
    for (auto& [key, entry] : supply.resources) {
        entry.completed_at_card = {};
        entry.charged_at_card = {};
        entry.used_at_card.clear();
        entry.last_lease = {};
        entry.final = false;
    }
    supply.spend_until.reset();
    return supply;
}

}  // namespace

// An account that was put back by hand doesn't know of its last epoch, and finds out by the lease that it is
// shown. Who holds none takes it as it is: of that epoch nothing is known here that must be learned.
std::int64_t AccountLink::epoch_after(const core::wire::HelloReply& reply) const {
    return std::max(reply.verdict == Verdict::fenced ? 0 : lease_epoch_, reply.epoch);
}

void AccountLink::move_to_next_incarnation(const core::wire::HelloReply& reply) {
    if (reply.incarnation <= journal_.incarnation()) return;
    journal_.begin_incarnation({reply.incarnation, reply.acknowledged.sequence, reply.usage_acknowledged});
    journal_.set_meta("lease", "");
    journal_.set_meta("lease_number", "0");
    journal_.set_meta("lease_epoch", "0");
    journal_.set_meta("supply", supply_to_json(begun_anew(supply_)));
}

void AccountLink::moved(const core::wire::HelloReply& reply) {
    log_.warn(
        "agent.next_incarnation",
        {{"account", url_},
         {"incarnation", reply.incarnation},
         {"detail",
          "this disk or the account was put back, or the agent was given up meanwhile: what was metered "
          "since link " +
              std::to_string(reply.acknowledged.sequence) + " of the journal counts in a new incarnation"}});
    incarnation_ = reply.incarnation;
    lease_text_.clear();
    // An account that was put back may number its leases from where its copy ended.
    lease_number_ = 0;
    lease_epoch_ = 0;
    supply_ = begun_anew(supply_);
    brought_.clear();
    for (auto& [key, balance] : balances_.all()) {
        balance.asked = false;
        balance.supply.refused = false;
    }
}

void AccountLink::wait_for_operator() {
    const core::Error why{core::ErrorCode::forbidden,
                          "fenced: another copy of this agent's disk is at work, or it was put back twice in "
                          "30 days; at the account run: meterbox-account agent allow " +
                              identity_->agent,
                          {},
                          {}};
    store_.submit(journal_job(
        [this, detail = why.detail] {
            if (!journal_.suspicion()) journal_.suspect({Suspicion::Cause::fenced, detail});
            return 0;
        },
        [this, why](const core::Result<void>& committed, std::optional<int>) {
            if (stopped_) return;
            standing_ = core::wire::Standing::fenced;
            balances_.note_turned_away(why.detail);
            failed(committed ? why : committed.error(), false);
            listener_.published(balances_.publish(journal_.take_publications()));
        }));
}

void AccountLink::doubt_journal(const ChainReport::Broken& broken) {
    store_.submit(journal_job([this, broken] { return journal_.suspect_chain(broken); },
                              [this](const core::Result<void>& committed, std::optional<bool> anew) {
                                  if (stopped_) return;
                                  listener_.published(balances_.publish(journal_.take_publications()));
                                  if (!committed || !anew || !*anew || !balances_.suspicion()) return;
                                  log_.error("journal.suspect", {{"detail", balances_.suspicion()->detail}});
                                  plan_.session_lost(time_.boot(), random_.number());
                                  pump();
                              }));
}

}  // namespace meterbox::agent
