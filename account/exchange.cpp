// Sync, step by step.
#include "account/exchange.hpp"

#include <algorithm>

#include "account/billing.hpp"
#include "account/counters.hpp"
#include "account/custody.hpp"
#include "account/cycles.hpp"
#include "account/doubt.hpp"
#include "account/fencing.hpp"
#include "account/learning.hpp"
#include "account/next_cycle.hpp"
#include "account/recalling.hpp"
#include "account/team_cards.hpp"
#include "account/usage_roll_up.hpp"
#include "core/mutant.hpp"

namespace meterbox::account {

using core::Error;
using core::ErrorCode;
using core::Result;
using core::wire::SyncReply;
using core::wire::SyncRequest;

namespace {

Error refused(ErrorCode code, std::string detail) {
    return {code, std::move(detail), std::nullopt, {}};
}

bool asks_for_units(const SyncRequest& request) {
    return std::ranges::any_of(request.resources, [](const auto& counters) {
        return counters.need.value() > 0 || counters.wanted.value() > 0;
    });
}

bool missed_lease(const Agent& agent, const SyncRequest& request) {
    return request.lease_number && *request.lease_number < agent.lease_number;
}
// What it shows with hello can't be read where the key that signed it is forgotten, too: a roll that the
// store which was put back doesn't know of.
bool holds_forgotten_lease(const Agent& agent, const SyncRequest& request) {
    return request.lease_number && *request.lease_number > agent.lease_number;
}

void note_heard(const Exchange& exchange, const Agent& agent) {
    exchange.database.run("UPDATE agent SET last_sync_at = ? WHERE id = ?", exchange.now, agent.id);
}

void acknowledge(const Exchange& exchange, Agent& agent, const SyncRequest& request) {
    agent.last_sync_at = exchange.now;
    acknowledge_journal(exchange.database, agent, request.head, request.acknowledged, request.starts,
                        !request.more_usage);
    exchange.database.run("UPDATE session SET last_request = ? WHERE id = ?", request.request_number,
                          request.session);
}

// What is known of the counters of an agent that names what this account has forgotten, or holds a lease of
// which it can't learn; none: neither.
std::optional<KnownPart> part_of_forgotten(Database& database, const Agent& agent,
                                           const SyncRequest& request) {
    if (!agent.learning) return std::nullopt;
    Pool pool(database, agent.team);
    KnownPart known = known_part(database, pool, agent, request.resources);
    if (known.whole && !holds_forgotten_lease(agent, request)) return std::nullopt;
    return known;
}

// Nobody signed that: the agent's own team learns, and no other.
Error learn_of_forgotten(const Exchange& exchange, const Agent& agent, const SyncRequest& request) {
    begin_learning(exchange.database, agent.team, exchange.now,
                   "agent " + agent.id + " holds lease " + std::to_string(*request.lease_number) +
                       ", but this store knows " + std::to_string(agent.lease_number) +
                       " and can't read it: it was put back, or the agent lies");
    return refused(ErrorCode::not_found, "the lease isn't known to this account: say hello first");
}

// Once it has told all, it goes on as another incarnation, for its lease can't be honoured: it hears of that
// when it says hello, and until it says so its lease stays leased.
void leave_behind(Database& database, Ledger& ledger, Pool& pool, Agent agent, const SyncRequest& request) {
    begin_incarnation(database, ledger, pool, agent, {agent.incarnation, request.head, request.starts},
                      request.head.sequence, Ending::went_on);
    database.run("DELETE FROM session WHERE agent = ?", agent.id);
    database.run("UPDATE agent SET session = NULL WHERE id = ?", agent.id);
}

constexpr std::size_t turns_max = 512;  // of all cards: an answer that is too long is no answer

void leave_out_turns(std::vector<core::Card>& cards) {
    std::size_t turns = 0;
    for (core::Card& card : cards)
        for (core::CardTier& tier : card.tiers) {
            turns += tier.turns.size();
            if (turns > turns_max) tier.turns.clear();
        }
}

// What all answers say.
SyncReply answer(const Exchange& exchange, const Agent& agent, const SyncRequest& request, Pool& pool,
                 const Catalogue& catalogue) {
    SyncReply reply;
    reply.request_number = request.request_number;
    reply.acknowledged = {agent.acknowledged, agent.acknowledged_hash};
    reply.server_time = exchange.now;
    reply.cards = team_cards(pool, catalogue, exchange.settings, exchange.now);
    leave_out_turns(reply.cards);
    reply.catalogue_version = catalogue.version;
    reply.learning = pool.learning();
    if (request.catalogue_version != catalogue.version) reply.catalogue = catalogue.resources;
    return reply;
}

void settle_after_learning(Database& database, Ledger& ledger, Pool& pool, const Catalogue& catalogue) {
    if (pool.learning()) return;
    for (const core::Resource& resource : catalogue.resources)
        settle_overdrawn(database, ledger, pool, resource.key);
}

// Once what it said is taken: what it is granted, and the answer.
Result<SyncReply> serve(const Exchange& exchange, const Agent& agent, const SyncRequest& request, bool later,
                        Ledger& ledger, Pool& pool, const Catalogue& catalogue, Known& known) {
    Database& database = exchange.database;
    Tickets tickets(database, agent, exchange.now);
    ActiveAgents counted_now;
    const auto agents =
        (exchange.active ? *exchange.active : counted_now).of(database, agent.team, exchange.now);
    if (later) {
        grant(ledger, pool, catalogue, known, exchange.settings, tickets, request.resources, agents);
    }
    if (later && !pool.learning())
        lease_next_cycle(ledger, pool, catalogue, known, exchange.settings, agents);

    core::Lease contents = describe_lease(database, pool, catalogue, known, exchange.settings, exchange.now);
    auto boundaries = next_boundaries(database, agent.team, exchange.now);
    if (!boundaries) return boundaries.error();
    contents.cycle_boundaries = std::move(*boundaries);
    auto lease =
        issue_lease(database, exchange.signer, agent, std::move(contents), exchange.settings, exchange.now);
    if (!lease) return lease.error();

    Recalled recalled =
        recall(pool, catalogue, known, exchange.settings, tickets, request.resources, exchange.now, agents);
    SyncReply reply = answer(exchange, agent, request, pool, catalogue);
    // Also one in force that an earlier answer carried: that answer was lost, or may have been.
    if (lease->is_new || !later || asks_for_units(request) || missed_lease(agent, request))
        reply.lease = std::move(lease->jws);
    reply.recall = std::move(recalled.units);
    reply.wait_ticket = tickets.name_of_own();
    if (recalled.soon) reply.next_sync_ms = waiting_sync_ms;
    return reply;
}

}  // namespace

Result<SyncReply> sync(const Exchange& exchange, Agent agent, const SyncRequest& request) {
    Database& database = exchange.database;
    const auto last_request = database.first(
        "SELECT last_request, nonce FROM session WHERE id = ? AND agent = ?",
        [&](auto& row) {
            agent.session_nonce = row.string(1);
            return row.integer(0);
        },
        request.session, agent.id);
    if (!last_request || agent.session != request.session) {
        return no_session(database, agent, request.session, exchange.now);
    }
    const bool later = request.request_number > *last_request || METERBOX_MUTANT(order_ignored);
    if (later && !goes_on(agent, request.head, request.acknowledged)) {
        return refused(ErrorCode::not_found, "the journal isn't the one of this session: say hello first");
    }
    if (later && !agent.learning && holds_forgotten_lease(agent, request))
        return learn_of_forgotten(exchange, agent, request);

    const auto closed =
        close_due_cycles(database, agent.team, exchange.settings.invoice_final_after_ms, exchange.now);
    if (!closed) return closed.error();
    const bool awaited = agent.learning;
    const bool first = *last_request == 0;
    const bool learned = write_off_lost(database, exchange.now, agent) || awaited;
    const auto forgotten = part_of_forgotten(database, agent, request);
    if (later && !forgotten) heard(database, agent);  // in a session that was opened since
    const Catalogue catalogue = load_catalogue(database);
    Ledger ledger(database, exchange.now);
    KeptPool own;
    KeptPool& kept = exchange.pool ? *exchange.pool : own;
    Pool& pool = kept.of(database, agent.team);
    if (const auto begun = pool.begin_cycles(ledger); !begun) return begun.error();
    const std::int64_t rolled_up = rolled_up_to(agent, exchange.now, exchange.settings.keep_usage_ms);
    const CounterMessage message{forgotten ? forgotten->counters : request.resources, request.usage, later,
                                 rolled_up};
    Known known(database, agent);
    if (const auto taken = take_counters(database, ledger, pool, catalogue, known, message); !taken) {
        note_heard(exchange, agent);
        return taken.error();
    }
    if (later && !request.more_usage)
        note_settled_usage(database, agent, request.usage, rolled_up, exchange.now);
    pool.expire_ended(ledger);
    later ? acknowledge(exchange, agent, request) : note_heard(exchange, agent);
    // In a session of its present incarnation, whatever it was leased before it has dropped.
    if (first && later && !forgotten)
        give_back_leased(database, ledger, pool, agent, agent.incarnation - 1, "return");
    if (forgotten) {
        SyncReply reply = answer(exchange, agent, request, pool, catalogue);
        reply.next_sync_ms = core::second_ms;
        if (later && !request.more_usage) leave_behind(database, ledger, pool, agent, request);
        return reply;
    }
    settle_after_learning(database, ledger, pool, catalogue);
    if (learned) {
        const auto corrected = correct_when_learned(database, agent.team, exchange.now);
        if (!corrected) return corrected.error();
        pool.load();
    }
    Custody(database, ledger, pool, agent.id).settle();
    auto reply = serve(exchange, agent, request, later, ledger, pool, catalogue, known);
    if (reply) kept.done();
    return reply;
}

}  // namespace meterbox::account
