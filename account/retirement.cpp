#include "account/retirement.hpp"

#include <algorithm>

#include "account/billing.hpp"
#include "account/counters.hpp"
#include "account/custody.hpp"
#include "account/doubt.hpp"
#include "account/fencing.hpp"
#include "account/known.hpp"
#include "account/learning.hpp"
#include "account/usage_roll_up.hpp"

namespace meterbox::account {

using core::Error;
using core::ErrorCode;
using core::Result;
using core::Units;
using core::wire::RetireReply;
using core::wire::RetireRequest;

namespace {

std::optional<std::string> receipt_of(Database& database, const Agent& agent) {
    return database.first(
        "SELECT receipt FROM retirement WHERE agent = ?", [](auto& row) { return row.string(0); }, agent.id);
}

// A slot that came with a remainder. One that isn't valid any more stays with the rest of the lease.
void take_slot(Database& database, Ledger& ledger, Pool& pool, Custody& custody, const Agent& agent,
               const core::wire::RemainderSlot& slot) {
    const auto id = tranche_from(slot.tranche);
    Tranche* tranche = id ? pool.find(*id) : nullptr;
    const bool fits = tranche && tranche->resource == slot.resource && tranche->valid_at(ledger.now());
    if (fits && known_left(database, agent, *id).value() > 0) custody.take_slots(agent, *tranche, Units{1});
}

bool has_remainder(const RetireRequest& request, const std::string& resource) {
    return std::ranges::any_of(request.resources, [&resource](const auto& counters) {
        return counters.resource == resource && counters.remainder.value() > 0;
    });
}

}  // namespace

Result<RetireReply> retire(const Exchange& exchange, Agent agent, const RetireRequest& request,
                           const std::string& new_receipt) {
    Database& database = exchange.database;
    RetireReply reply;
    reply.server_time = exchange.now;
    if (const auto receipt = receipt_of(database, agent)) {
        reply.receipt = *receipt;
        return reply;
    }
    const bool in_session = !agent.session.empty() && agent.session == request.session;
    if (!in_session) return no_session(database, agent, request.session, exchange.now);
    if (!goes_on(agent, request.head, request.acknowledged))
        return Error{ErrorCode::not_found, "no such session: say hello first", std::nullopt, {}};
    const auto closed =
        close_due_cycles(database, agent.team, exchange.settings.invoice_final_after_ms, exchange.now);
    if (!closed) return closed.error();
    const Catalogue catalogue = load_catalogue(database);
    Ledger ledger(database, exchange.now);
    Pool pool(database, agent.team);
    if (const auto begun = pool.begin_cycles(ledger); !begun) return begun.error();
    // What a grant that is forgotten gave it waits for units in custody, and the rest of its lease comes
    // back.
    const KnownPart part =
        agent.learning ? known_part(database, pool, agent, request.resources) : KnownPart{request.resources};
    const CounterMessage message{part.counters, request.usage, true,
                                 rolled_up_to(agent, exchange.now, exchange.settings.keep_usage_ms)};
    Known known(database, agent);
    if (const auto taken = take_counters(database, ledger, pool, catalogue, known, message); !taken) {
        return taken.error();
    }
    agent.last_sync_at = exchange.now;
    acknowledge_journal(database, agent, request.head, request.acknowledged, request.starts,
                        !request.more_usage);
    if (request.more_usage) return reply;

    Custody custody(database, ledger, pool);
    for (const core::wire::RemainderSlot& slot : request.slots) {
        if (has_remainder(request, slot.resource)) take_slot(database, ledger, pool, custody, agent, slot);
    }
    give_back_leased(database, ledger, pool, agent, agent.incarnation, "retire");
    custody.take_over(agent);
    database.run("UPDATE agent SET state = 'retired', session = NULL WHERE id = ?", agent.id);
    database.run("DELETE FROM session WHERE agent = ?", agent.id);
    database.run("DELETE FROM ticket WHERE agent = ?", agent.id);
    custody.settle();
    pool.expire_ended(ledger);
    if (agent.learning) {
        const auto corrected = correct_when_learned(database, agent.team, exchange.now);
        if (!corrected) return corrected.error();
    }
    database.run("INSERT INTO retirement (agent, receipt, at) VALUES (?, ?, ?)", agent.id, new_receipt,
                 exchange.now);
    reply.receipt = new_receipt;
    return reply;
}

}  // namespace meterbox::account
