// Hello: who is it, does its journal go on from where it was known, and what follows from that.
#include <algorithm>

#include "account/billing.hpp"
#include "account/counters.hpp"
#include "account/doubt.hpp"
#include "account/exchange.hpp"
#include "account/fencing.hpp"
#include "account/lease_keys.hpp"
#include "core/limits.hpp"

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
          now_(exchange.now),
          agent_(std::move(agent)),
          said_(said),
          new_session_(new_session),
          ledger_(database_, now_),
          pool_(database_, agent_.team),
          catalogue_(load_catalogue(database_)) {}

    Result<HelloReply> run() {
        if (said_.agent != agent_.id) {
            return refused(ErrorCode::forbidden,
                           "this certificate is of agent " + agent_.id + ", not of " + said_.agent);
        }
        if (!core::wire::ProtocolRange{}.meets({said_.protocol_min, said_.protocol_max}))
            return answer(Verdict::upgrade, {});
        if (const auto session = repeated()) return again(*session);
        if (said_.incarnation > agent_.incarnation) return from_nowhere();
        if (said_.incarnation < agent_.incarnation) return from_before();

        const JournalJudgement judged = judge_journal(known_journal(database_, agent_), said_);
        if (judged.verdict == JournalVerdict::parted) return fence(judged.shared);
        if (judged.verdict == JournalVerdict::behind) return behind();
        if (agent_.written_off_at && !heard_again()) return begin(judged.shared);
        if (has_fallen()) return fence(judged.shared);
        return go_on();
    }

private:
    // The same hello was answered before: the same again.
    std::optional<std::string> repeated() {
        return database_.first(
            "SELECT id FROM session WHERE agent = ? AND nonce = ?", [](auto& row) { return row.string(0); },
            agent_.id, said_.nonce);
    }
    Result<HelloReply> again(const std::string& session) {
        if (said_.incarnation < agent_.incarnation) return answer_fenced(session, where_it_counts());
        return answer(Verdict::ok, session);
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
        if (judged.verdict == JournalVerdict::goes_on)
            return answer_fenced(open_session(), where_it_counts());
        if (judged.verdict == JournalVerdict::behind) return behind();
        const auto past = past_incarnation(database_, agent_, said_.incarnation);
        if (!past) return from_nowhere();
        const JournalJudgement then = judge_journal(past->journal, said_);
        // Nothing in it that wasn't heard before: so it may be as old as that.
        const bool nothing_new = said_.head.sequence <= past->journal.acknowledged.sequence;
        if (then.verdict != JournalVerdict::parted && nothing_new) return behind();
        return fence(then.shared);
    }

    Result<HelloReply> behind() {
        return refused(ErrorCode::conflict, "the journal ends at link " +
                                                std::to_string(said_.head.sequence) +
                                                ", and more of it is known: say hello with a new link");
    }

    // Of its journal, what counts in the incarnations before this one.
    std::pair<std::int64_t, std::int64_t> where_it_counts() {
        const auto past = past_incarnation(database_, agent_, said_.incarnation);
        if (!past) return {0, 0};
        const std::int64_t shared = judge_journal(past->journal, said_).shared;
        return {shared, std::min(shared, past->usage_acknowledged)};
    }

    bool has_fallen() {
        return std::ranges::any_of(said_.resources, [&](const core::wire::ResourceCounters& said) {
            if (said.metered.value() < database_.number("SELECT metered FROM agent_resource WHERE agent = ? "
                                                        "AND incarnation = ? AND resource = ?",
                                                        agent_.id, agent_.incarnation, said.resource))
                return true;
            return std::ranges::any_of(said.tranches, [&](const core::wire::TrancheCounters& tranche) {
                return database_.number(
                           "SELECT count(*) FROM holding WHERE agent = ? AND incarnation = ? AND tranche = ? "
                           "AND (used > ? OR returned > ?)",
                           agent_.id, agent_.incarnation, tranche_from(tranche.tranche).value_or(0),
                           tranche.used, tranche.returned) != 0;
            });
        });
    }

    // The first goes on by itself; whoever is fenced again so soon may be one of two.
    Result<HelloReply> fence(std::int64_t shared) {
        if (agent_.fenced_at && now_ - *agent_.fenced_at < core::limits::fence_again_ms) {
            database_.run("UPDATE agent SET waits_since = coalesce(waits_since, ?) WHERE id = ?", now_,
                          agent_.id);
            HelloReply reply = answer(Verdict::fenced, {});
            reply.incarnation = said_.incarnation;
            return reply;
        }
        database_.run("UPDATE agent SET fenced_at = ? WHERE id = ?", now_, agent_.id);
        return begin(shared);
    }
    Result<HelloReply> begin(std::int64_t shared) {
        begin_incarnation(database_, ledger_, pool_, agent_, said_, shared);
        return answer_fenced(open_session(), where_it_counts());
    }

    bool heard_again() {
        database_.run("UPDATE agent SET written_off_at = NULL WHERE id = ?", agent_.id);
        return take_back(database_, ledger_, pool_, agent_);
    }

    Result<HelloReply> go_on() {
        static const std::vector<core::wire::UsageRow> no_usage;
        const CounterMessage message{said_.resources, no_usage, true};
        if (const auto taken = take_counters(database_, ledger_, pool_, catalogue_, agent_, message); !taken)
            return taken.error();
        if (said_.head.sequence >= agent_.acknowledged)
            acknowledge_journal(database_, agent_, said_.head, {}, said_.starts, false);
        return answer(Verdict::ok, open_session());
    }

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
    core::UtcTime now_;
    Agent agent_;
    const HelloRequest& said_;
    const std::string& new_session_;
    Ledger ledger_;
    Pool pool_;
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
