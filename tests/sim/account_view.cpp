#include "tests/sim/account_view.hpp"

#include <algorithm>

namespace meterbox::sim {

namespace {

ChangedTables all_tables() {
    ChangedTables all;
    all.add_all();
    return all;
}

}  // namespace

AccountView::AccountView(account::Database& database) : AccountView(database, AccountView(), all_tables()) {}

AccountView::AccountView(account::Database& database, const AccountView& before, const ChangedTables& changed)
    : AccountView(before) {
    if (changed.has("tranche")) read_tranches(database);
    if (changed.has("holding")) read_holdings(database);
    if (changed.has("agent")) read_agents(database);
    if (changed.has("agent_resource") || incarnations != before.incarnations) read_counters(database);
    if (changed.has("team_resource")) read_sums(database);
    if (changed.has("doubt")) read_doubt(database);
    if (changed.has("handed_over")) read_handed_over(database);
    if (changed.has("ticket")) read_tickets(database);
    if (changed.has("account")) epoch = database.number("SELECT epoch FROM account");
    if (changed.has("incident")) incidents = database.number("SELECT count(*) FROM incident");
    if (changed.has("evidence")) {
        evidence = database.number("SELECT count(*) FROM evidence WHERE taken = 0");
        hours_to_come = database.number("SELECT count(*) FROM evidence WHERE taken = 1");
    }
    if (changed.has("ledger")) entries = database.number("SELECT coalesce(max(entry), 0) FROM ledger");
}

void AccountView::read_tranches(account::Database& database) {
    tranches.clear();
    database.each(
        "SELECT id, team, resource, tier, purchased, available, charged, in_doubt, expired, leased, "
        "starts_at, ends_at, pool, coalesce(rate, 1), ended FROM tranche ORDER BY id",
        [this](auto& row) {
            tranches.push_back({row.integer(0), row.string(1), row.string(2), row.string(3),
                                row.optional_integer(4), row.integer(5), row.integer(6), row.integer(7),
                                row.integer(8), row.integer(9), row.integer(10), row.optional_integer(11),
                                row.optional_integer(12), row.integer(13), row.integer(14) != 0});
        });
}

void AccountView::read_holdings(account::Database& database) {
    holdings.clear();
    database.each("SELECT agent, tranche, granted, used, returned, since, incarnation FROM holding",
                  [this](auto& row) {
                      holdings[{row.string(0), row.integer(1), row.integer(6)}] = {
                          row.integer(2), row.integer(3), row.integer(4), row.integer(5)};
                  });
}

void AccountView::read_agents(account::Database& database) {
    waiting = 0;
    for (auto* set : {&retired, &revoked, &written_off, &learning_agents, &learning_teams}) set->clear();
    for (auto* map : {&incarnations, &lease_numbers, &last_sync_at, &acknowledged}) map->clear();
    acknowledged_hash.clear();
    team_of.clear();
    database.each(
        "SELECT id, team, state, incarnation, lease_number, learning, waits_since, "
        "coalesce(last_sync_at, 0), written_off_at, acknowledged, acknowledged_hash FROM agent",
        [this](auto& row) {
            const std::string id = row.string(0);
            const std::string team = row.string(1);
            const std::string state = row.string(2);
            team_of[id] = team;
            incarnations[id] = row.integer(3);
            lease_numbers[id] = row.integer(4);
            last_sync_at[id] = row.integer(7);
            if (state == "retired") retired.insert(id);
            if (state == "revoked") revoked.insert(id);
            if (row.optional_integer(6)) ++waiting;
            if (row.optional_integer(8)) written_off.insert(id);
            acknowledged[id] = row.integer(9);
            acknowledged_hash[id] = row.string(10);
            if (row.integer(5) != 1) return;
            learning_agents.insert(id);
            learning_teams.insert(team);
        });
}

void AccountView::read_counters(account::Database& database) {
    counters.clear();
    past.clear();
    database.each(
        "SELECT agent, resource, metered, remainder, overage_units, incarnation FROM agent_resource",
        [this](auto& row) {
            const CounterRow counter{row.integer(2), row.integer(3), row.integer(4)};
            if (row.integer(5) == value_of(incarnations, row.string(0))) {
                counters[{row.string(0), row.string(1)}] = counter;
            } else {
                past[{row.string(0), row.string(1), row.integer(5)}] = counter;
            }
        });
}

void AccountView::read_sums(account::Database& database) {
    team_sums.clear();
    database.each("SELECT team, resource, remainder, overage_units FROM team_resource", [this](auto& row) {
        team_sums[{row.string(0), row.string(1)}] = {0, row.integer(2), row.integer(3)};
    });
}

void AccountView::read_doubt(account::Database& database) {
    counted.clear();
    released.clear();
    database.each("SELECT tranche, counted, released FROM doubt", [this](auto& row) {
        counted[row.integer(0)] += row.integer(1);
        released[row.integer(0)] += row.integer(2);
    });
}

void AccountView::read_handed_over(account::Database& database) {
    handed_over.clear();
    database.each("SELECT agent, resource, incarnation, remainder FROM handed_over", [this](auto& row) {
        handed_over[{row.string(0), row.string(1), row.integer(2)}] = row.integer(3);
    });
}

void AccountView::read_tickets(account::Database& database) {
    tickets.clear();
    database.each("SELECT number, team, agent, resource, need, polled_at FROM ticket", [this](auto& row) {
        tickets[row.integer(0)] = {row.string(1), row.string(2), row.string(3), row.integer(4),
                                   row.integer(5)};
    });
}

std::string AccountView::differs_in(const AccountView& other) const {
    if (*this == other) return {};
    if (tranches != other.tranches) return "tranche";
    if (holdings != other.holdings) return "holding";
    if (counters != other.counters || past != other.past) return "agent_resource";
    if (team_sums != other.team_sums) return "team_resource";
    if (counted != other.counted || released != other.released) return "doubt";
    if (handed_over != other.handed_over) return "handed_over";
    if (tickets != other.tickets) return "ticket";
    if (incidents != other.incidents) return "incident";
    if (evidence != other.evidence || hours_to_come != other.hours_to_come) return "evidence";
    if (entries != other.entries) return "ledger";
    return "agent";
}

const TrancheRow* AccountView::find(std::int64_t id) const {
    const auto found = std::ranges::lower_bound(tranches, id, {}, &TrancheRow::id);
    return found != tranches.end() && found->id == id ? &*found : nullptr;
}

std::int64_t AccountView::unleased(const TrancheRow& tranche) const {
    const std::int64_t available = tranche.pool ? find(*tranche.pool)->available : tranche.available;
    return std::max<std::int64_t>(0, available) / tranche.rate;
}

UsageByHour usage_by_hour(account::Database& database) {
    UsageByHour usage;
    database.each("SELECT agent, resource, hour, subject, amount FROM usage", [&usage](auto& row) {
        usage[{row.string(0), row.string(1), row.integer(2), row.string(3)}] += row.integer(4);
    });
    return usage;
}

}  // namespace meterbox::sim
