// Hello and sync, step by step.
#include "account/exchange.hpp"

#include <algorithm>

#include "account/counters.hpp"
#include "account/cycles.hpp"
#include "account/next_cycle.hpp"
#include "account/team_cards.hpp"
#include "core/mutant.hpp"

namespace meterbox::account {

using core::Error;
using core::ErrorCode;
using core::Result;
using core::wire::HelloReply;
using core::wire::HelloRequest;
using core::wire::SyncReply;
using core::wire::SyncRequest;

namespace {

Error refused(ErrorCode code, std::string detail) {
    return {code, std::move(detail), std::nullopt, {}};
}

// The session of a hello: the same for the same nonce, so that a repeated hello changes nothing.
std::string open_session(const Exchange& exchange, Agent& agent, const std::string& nonce,
                         const std::string& new_session) {
    const auto known = exchange.database.first(
        "SELECT id FROM session WHERE agent = ? AND nonce = ?", [](auto& row) { return row.string(0); },
        agent.id, nonce);
    if (known) return *known;
    exchange.database.run("DELETE FROM session WHERE agent = ?", agent.id);
    exchange.database.run(
        "INSERT INTO session (id, agent, incarnation, nonce, last_request, created_at) "
        "VALUES (?, ?, ?, ?, 0, ?)",
        new_session, agent.id, agent.incarnation, nonce, exchange.now);
    exchange.database.run("UPDATE agent SET session = ? WHERE id = ?", new_session, agent.id);
    return new_session;
}

bool asks_for_units(const SyncRequest& request) {
    return std::ranges::any_of(request.resources, [](const auto& counters) {
        return counters.need.value() > 0 || counters.wanted.value() > 0;
    });
}

void acknowledge(const Exchange& exchange, Agent& agent, const SyncRequest& request, bool later) {
    if (later && request.head.sequence >= agent.acknowledged) {
        agent.acknowledged = request.head.sequence;
        agent.acknowledged_hash = request.head.hash;
    }
    exchange.database.run(
        "UPDATE agent SET acknowledged = ?, acknowledged_hash = ?, last_sync_at = ? WHERE id = ?",
        agent.acknowledged, agent.acknowledged_hash, exchange.now, agent.id);
    if (later) {
        exchange.database.run("UPDATE session SET last_request = ? WHERE id = ?", request.request_number,
                              request.session);
    }
}

}  // namespace

std::vector<core::wire::LeaseKey> lease_keys(Database& database) {
    std::vector<core::wire::LeaseKey> keys;
    database.each("SELECT kid, x, y FROM lease_key ORDER BY number DESC", [&](auto& row) {
        keys.push_back({row.string(0), row.string(1), row.string(2)});
    });
    return keys;
}

Result<HelloReply> hello(const Exchange& exchange, Agent agent, const HelloRequest& request,
                         const std::string& new_session) {
    Database& database = exchange.database;
    if (request.agent != agent.id) {
        return refused(ErrorCode::forbidden,
                       "this certificate is of agent " + agent.id + ", not of " + request.agent);
    }
    const Catalogue catalogue = load_catalogue(database);
    HelloReply reply;
    reply.incarnation = agent.incarnation;
    reply.acknowledged = {agent.acknowledged, agent.acknowledged_hash};
    reply.server_time = exchange.now;
    reply.epoch = database.number("SELECT epoch FROM account");
    if (request.protocol_min > core::wire::protocol_max || request.protocol_max < core::wire::protocol_min) {
        reply.verdict = core::wire::Verdict::upgrade;
        return reply;
    }
    if (request.incarnation != agent.incarnation) {
        const std::string detail = "incarnation " + std::to_string(request.incarnation) + ", but agent " +
                                   agent.id + " is in its " + std::to_string(agent.incarnation);
        keep_evidence(database, agent, detail, exchange.now);
        return refused(ErrorCode::conflict, detail);
    }

    const bool repeated = database.number("SELECT count(*) FROM session WHERE agent = ? AND nonce = ?",
                                          agent.id, request.nonce) != 0;
    Ledger ledger(database, exchange.now);
    Pool pool(database, agent.team);
    static const std::vector<core::wire::UsageRow> no_usage;
    const CounterMessage message{request.resources, no_usage, !repeated};
    if (const auto taken = take_counters(database, ledger, pool, catalogue, agent, message); !taken) {
        return taken.error();
    }
    reply.session = open_session(exchange, agent, request.nonce, new_session);
    reply.catalogue = catalogue.resources;
    reply.catalogue_version = catalogue.version;
    reply.lease_keys = lease_keys(database);
    return reply;
}

Result<SyncReply> sync(const Exchange& exchange, Agent agent, const SyncRequest& request) {
    Database& database = exchange.database;
    const auto last_request = database.first(
        "SELECT last_request FROM session WHERE id = ? AND agent = ?",
        [](auto& row) { return row.integer(0); }, request.session, agent.id);
    if (!last_request || agent.session != request.session) {
        return refused(ErrorCode::not_found, "no such session: say hello first");
    }
    const bool later = request.request_number > *last_request || METERBOX_MUTANT(order_ignored);

    const Catalogue catalogue = load_catalogue(database);
    Ledger ledger(database, exchange.now);
    Pool pool(database, agent.team);
    if (const auto begun = pool.begin_cycles(ledger); !begun) return begun.error();
    const CounterMessage message{request.resources, request.usage, later};
    if (const auto taken = take_counters(database, ledger, pool, catalogue, agent, message); !taken) {
        return taken.error();
    }
    pool.expire_ended(ledger);
    acknowledge(exchange, agent, request, later);
    if (later) grant(database, ledger, pool, catalogue, agent, exchange.settings, request.resources);
    if (later) lease_next_cycle(database, ledger, pool, catalogue, agent, exchange.settings);

    core::Lease contents = describe_lease(database, pool, catalogue, agent, exchange.settings, exchange.now);
    auto boundaries = next_boundaries(database, agent.team, exchange.now);
    if (!boundaries) return boundaries.error();
    contents.cycle_boundaries = std::move(*boundaries);
    auto lease =
        issue_lease(database, exchange.signer, agent, std::move(contents), exchange.settings, exchange.now);
    if (!lease) return lease.error();

    SyncReply reply;
    reply.request_number = request.request_number;
    reply.acknowledged = {agent.acknowledged, agent.acknowledged_hash};
    reply.server_time = exchange.now;
    // Also one in force that an earlier answer carried: that answer may have been lost.
    if (lease->is_new || !later || asks_for_units(request)) reply.lease = std::move(lease->jws);
    reply.cards = team_cards(database, pool, catalogue, exchange.settings, exchange.now);
    reply.catalogue_version = catalogue.version;
    if (request.catalogue_version != catalogue.version) reply.catalogue = catalogue.resources;
    return reply;
}

}  // namespace meterbox::account
