// Hello: who is it, does its journal go on from where it was known, and what follows from that.
#include <algorithm>
#include <optional>
#include <utility>

#include "account/billing.hpp"
#include "account/counters.hpp"
#include "account/doubt.hpp"
#include "account/exchange.hpp"
#include "account/fencing.hpp"
#include "account/known.hpp"
#include "account/learning.hpp"
#include "account/lease_keys.hpp"
#include "core/account_limits.hpp"
#include "core/limits.hpp"
#include "core/text.hpp"

namespace meterbox::account {

using core::Error;
using core::ErrorCode;
using core::Result;
using core::wire::HelloReply;
using core::wire::HelloRequest;
using core::wire::Verdict;

namespace {

Error refused(ErrorCode code, std::string detail) {
    return {code, std::move(detail), std::nullopt, {}};
}

class Hello {
public:
    Hello(const Exchange& exchange, Agent agent, const HelloRequest& said, const std::string& new_session)
        : database_(exchange.database),
          signer_(exchange.signer),
          now_(exchange.now),
          agent_(std::move(agent)),
          said_(said),
          new_session_(new_session),
          ledger_(database_, now_),
          pool_(std::in_place, database_, agent_.team),
          catalogue_(load_catalogue(database_)) {}

    Result<HelloReply> run() {
        if (said_.agent != agent_.id) {
            const std::string detail =
                "this certificate is of agent " + agent_.id + ", not of " + core::printable(said_.agent);
            keep_evidence(database_, agent_, detail, now_);
            return refused(ErrorCode::forbidden, detail);
        }
        if (!core::wire::ProtocolRange{}.meets({said_.protocol_min, said_.protocol_max}))
            return answer(Verdict::upgrade, {});
        if (const auto session = repeated()) return again(*session);
        if (said_.incarnation - agent_.incarnation > core::limits::incarnations_ahead_max)
            return from_nowhere();
        look_at_lease();
        look_at_counters();
        if (said_.incarnation > agent_.incarnation) return begin_later();
        if (said_.incarnation < agent_.incarnation) return from_before();

        const JournalJudgement judged = judge_journal(known_journal(database_, agent_), said_);
        if (judged.verdict == JournalVerdict::parted) return fence(judged.shared);
        if (judged.verdict == JournalVerdict::behind) return behind();
        const bool given_up = agent_.written_off_at.has_value();
        const bool heard_before = given_up && is_forgotten();
        const TakenBack back = given_up ? heard_again() : TakenBack::all;
        if (back == TakenBack::none) return begin(judged.shared);
        if (has_fallen()) return fence(judged.shared);
        if (!agent_.learning && !given_up) return go_on(said_.resources);
        const KnownPart known = known_part(database_, pool(), agent_, said_.resources);
        if (heard_before || back == TakenBack::part || (given_up && !known.whole))
            return begin_after(known.counters);
        return go_on(known.counters);  // its sync says more, and ends the incarnation
    }

private:
    Pool& pool() { return *pool_; }

    // The same hello was answered before: the same again.
    std::optional<std::string> repeated() {
        return database_.first(
            "SELECT id FROM session WHERE agent = ? AND nonce = ?", [](auto& row) { return row.string(0); },
            agent_.id, said_.nonce);
    }
    Result<HelloReply> again(const std::string& session) {
        if (said_.incarnation < agent_.incarnation) return answer_fenced(session, where_it_counts());
        return answer(going_on(), session);
    }

    // The agents' leases are the backup of an account that is older than what it said.
    void look_at_lease() {
        lease_ = own_lease(database_, signer_, agent_, said_.last_lease);
        if (!lease_) return;
        if (is_newer(database_, agent_, *lease_)) {
            const std::int64_t epoch =
                std::max(lease_->epoch, database_.number("SELECT epoch FROM account")) + 1;
            begin_epoch(database_, epoch, now_,
                        "agent " + agent_.id + " showed lease " + std::to_string(lease_->number) +
                            ", which this store doesn't know: it was put back; epoch " +
                            std::to_string(epoch));
            found_out();
        }
        if (agent_.learning) learn_from(database_, ledger_, pool(), agent_, *lease_);
    }

    // Nobody signed these: they make the agent's own team learn, and no other.
    void look_at_counters() {
        const bool later = said_.incarnation > agent_.incarnation;
        const bool forgotten =
            said_.incarnation == agent_.incarnation && said_.acknowledged.sequence > agent_.acknowledged;
        if (agent_.learning || agent_.written_off_at) return;
        if (!later && !forgotten && !shows_unreadable()) return;
        const auto known = [](std::int64_t said, std::int64_t here) {
            return std::to_string(said) + ", but this store knows " + std::to_string(here) +
                   ": it was put back, or the agent lies";
        };
        begin_learning(database_, agent_.team, now_,
                       "agent " + agent_.id +
                           (later       ? " is in incarnation " + known(said_.incarnation, agent_.incarnation)
                            : forgotten ? " had its journal acknowledged up to link " +
                                              known(said_.acknowledged.sequence, agent_.acknowledged)
                                        : " showed more units than it is known to have been granted, and a "
                                          "lease that this store can't read: it was put back, or the agent "
                                          "lies"));
        found_out();
    }

    // The key that signed it is forgotten, too; and so are units that it granted.
    bool shows_unreadable() {
        return said_.incarnation == agent_.incarnation && !said_.last_lease.empty() && !lease_ &&
               !known_part(database_, pool(), agent_, said_.resources).whole;
    }

    void found_out() {
        agent_.session.clear();
        agent_.learning = agent_.state == "active" && !agent_.written_off_at;
        pool_.emplace(database_, agent_.team);
    }

    // Of an agent that was given up before it was heard again, by an account that is lost.
    bool is_forgotten() const {
        return said_.acknowledged.sequence > agent_.acknowledged ||
               (lease_ && lease_->number > agent_.lease_number);
    }

    // The store has forgotten of incarnations: the agent goes on in one after them all.
    Result<HelloReply> begin_later() {
        const JournalJudgement judged = judge_journal(known_journal(database_, agent_), said_);
        if (judged.verdict == JournalVerdict::behind) return behind();
        // It was heard of again, or it wouldn't be another incarnation: nothing of it is to be counted as
        // lost.
        if (agent_.written_off_at) heard_again();
        return begin(judged.shared);
    }

    Result<HelloReply> from_nowhere() {
        const std::string detail = "incarnation " + std::to_string(said_.incarnation) + ", but agent " +
                                   agent_.id + " is in its " + std::to_string(agent_.incarnation);
        keep_evidence(database_, agent_, detail, now_);
        return refused(ErrorCode::conflict, detail);
    }

    // Who was fenced and hasn't heard of it yet; or another copy of its disk.
    Result<HelloReply> from_before() {
        const JournalJudgement judged = judge_journal(known_journal(database_, agent_), said_);
        if (judged.verdict == JournalVerdict::goes_on) {
            if (agent_.written_off_at) heard_again();
            return answer_fenced(open_session(), where_it_counts());
        }
        if (judged.verdict == JournalVerdict::behind) return behind();
        const auto counted = counted_before(database_, agent_, said_);
        if (!counted) return from_nowhere();
        // Nothing in it that wasn't heard before: so it may be as old as that.
        if (counted->nothing_new) return behind();
        return fence(counted->shared, &counted->known);
    }

    Result<HelloReply> behind() {
        return refused(ErrorCode::conflict, "the journal ends at link " +
                                                std::to_string(said_.head.sequence) +
                                                ", and more of it is known: say hello with a new link");
    }

    // Of its journal, what counts in the incarnations before this one.
    std::pair<std::int64_t, std::int64_t> where_it_counts() {
        const auto counted = counted_before(database_, agent_, said_);
        if (!counted) return {0, 0};
        return {counted->counted, counted->usage_counted};
    }

    bool has_fallen() {
        return std::ranges::any_of(said_.resources, [&](const core::wire::ResourceCounters& said) {
            if (said.metered.value() < database_.number("SELECT metered FROM agent_resource WHERE agent = ? "
                                                        "AND incarnation = ? AND resource = ?",
                                                        agent_.id, agent_.incarnation, said.resource))
                return true;
            return std::ranges::any_of(said.tranches, [&](const core::wire::TrancheCounters& tranche) {
                const std::int64_t id = tranche_from(tranche.tranche).value_or(0);
                const Holding seen = known_holding(database_, agent_.id, agent_.incarnation, id).holding;
                return seen.used > tranche.used ||
                       (seen.returned > tranche.returned &&
                        seen.returned - released_of(database_, agent_, id) > tranche.returned);
            });
        });
    }

    // The first goes on by itself; whoever is fenced again so soon may be one of two.
    Result<HelloReply> fence(std::int64_t shared, const KnownJournal* known = nullptr) {
        if (agent_.fenced_at && now_ - *agent_.fenced_at < core::limits::fence_again_ms) {
            database_.run("UPDATE agent SET waits_since = coalesce(waits_since, ?) WHERE id = ?", now_,
                          agent_.id);
            HelloReply reply = answer(Verdict::fenced, {});
            reply.incarnation = said_.incarnation;
            return reply;
        }
        database_.run("UPDATE agent SET fenced_at = ? WHERE id = ?", now_, agent_.id);
        return begin(shared, Ending::fenced, known);
    }
    Result<HelloReply> begin(std::int64_t shared, Ending ending = Ending::went_on,
                             const KnownJournal* known = nullptr) {
        hold_leased(database_, ledger_, pool(), agent_, ending == Ending::fenced ? "fence" : "went on");
        return move_on(shared, ending, known);
    }
    Result<HelloReply> move_on(std::int64_t shared, Ending ending = Ending::went_on,
                               const KnownJournal* known = nullptr) {
        begin_incarnation(database_, ledger_, pool(), agent_, {said_.incarnation, said_.head, said_.starts},
                          shared, ending, known);
        const auto counts = where_it_counts();
        begin_usage(database_, agent_, counts.second);
        return answer_fenced(open_session(), counts);
    }

    TakenBack heard_again() {
        database_.run("UPDATE agent SET written_off_at = NULL WHERE id = ?", agent_.id);
        return take_back(database_, ledger_, pool(), agent_);
    }

    // Its journal goes on: the counters count, up to its newest link.
    Result<void> take(const std::vector<core::wire::ResourceCounters>& counters) {
        static const std::vector<core::wire::UsageRow> no_usage;
        const CounterMessage message{counters, no_usage, true};
        Known known(database_, agent_);
        if (const auto taken = take_counters(database_, ledger_, pool(), catalogue_, known, message); !taken)
            return taken.error();
        if (said_.head.sequence >= agent_.acknowledged)
            acknowledge_journal(database_, agent_, said_.head, {}, said_.starts, false);
        return {};
    }
    Result<HelloReply> go_on(const std::vector<core::wire::ResourceCounters>& counters) {
        if (const auto taken = take(counters); !taken) return taken.error();
        return answer(going_on(), open_session());
    }
    // What is known of its word counts; what it used beyond that waits in custody. What it was leased it uses
    // no more once it syncs as the next incarnation, for its own journal goes on: it stays leased until then.
    Result<HelloReply> begin_after(const std::vector<core::wire::ResourceCounters>& known) {
        if (const auto taken = take(known); !taken) return taken.error();
        return move_on(agent_.acknowledged);
    }

    Verdict going_on() { return pool().learning() ? Verdict::learning : Verdict::ok; }

    std::string open_session() {
        database_.run("DELETE FROM session WHERE agent = ?", agent_.id);
        database_.run(
            "INSERT INTO session (id, agent, incarnation, nonce, last_request, created_at) "
            "VALUES (?, ?, ?, ?, 0, ?)",
            new_session_, agent_.id, agent_.incarnation, said_.nonce, now_);
        database_.run("UPDATE agent SET session = ? WHERE id = ?", new_session_, agent_.id);
        return new_session_;
    }

    HelloReply answer(Verdict verdict, const std::string& session) {
        HelloReply reply;
        reply.session = session;
        reply.epoch = database_.number("SELECT epoch FROM account");
        reply.incarnation = agent_.incarnation;
        reply.verdict = verdict;
        reply.acknowledged = {agent_.acknowledged, agent_.acknowledged_hash};
        reply.usage_acknowledged = agent_.usage_acknowledged;
        reply.server_time = now_;
        reply.catalogue = catalogue_.resources;
        reply.catalogue_version = catalogue_.version;
        reply.lease_keys = lease_keys(database_);
        return reply;
    }
    HelloReply answer_fenced(const std::string& session, std::pair<std::int64_t, std::int64_t> counts) {
        HelloReply reply = answer(Verdict::fenced, session);
        reply.acknowledged = {counts.first, {}};
        reply.usage_acknowledged = counts.second;
        return reply;
    }

    Database& database_;
    const LeaseSigner& signer_;
    core::UtcTime now_;
    Agent agent_;
    const HelloRequest& said_;
    const std::string& new_session_;
    Ledger ledger_;
    std::optional<Pool> pool_;  // again, once the team learns
    std::optional<core::Lease> lease_;
    Catalogue catalogue_;
};

}  // namespace

Result<HelloReply> hello(const Exchange& exchange, Agent agent, const HelloRequest& request,
                         const std::string& new_session) {
    const auto closed = close_due_cycles(exchange.database, agent.team,
                                         exchange.settings.invoice_final_after_ms, exchange.now);
    if (!closed) return closed.error();
    return Hello(exchange, std::move(agent), request, new_session).run();
}

}  // namespace meterbox::account
