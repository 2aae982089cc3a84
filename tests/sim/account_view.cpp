#include "tests/sim/account_view.hpp"

namespace meterbox::sim {

AccountView::AccountView(account::Database& database) {
    database.each(
        "SELECT id, team, resource, tier, purchased, available, charged, in_doubt, expired, leased, "
        "starts_at, ends_at, pool, coalesce(rate, 1), ended FROM tranche ORDER BY id",
        [this](auto& row) {
            tranches.push_back({row.integer(0), row.string(1), row.string(2), row.string(3),
                                row.optional_integer(4), row.integer(5), row.integer(6), row.integer(7),
                                row.integer(8), row.integer(9), row.integer(10), row.optional_integer(11),
                                row.optional_integer(12), row.integer(13), row.integer(14) != 0});
        });
    database.each("SELECT agent, tranche, granted, used, returned, since, incarnation FROM holding",
                  [this](auto& row) {
                      holdings[{row.string(0), row.integer(1), row.integer(6)}] = {
                          row.integer(2), row.integer(3), row.integer(4), row.integer(5)};
                  });
    database.each("SELECT id, incarnation FROM agent",
                  [this](auto& row) { incarnations[row.string(0)] = row.integer(1); });
    database.each(
        "SELECT agent, resource, metered, remainder, overage_units, incarnation FROM agent_resource",
        [this](auto& row) {
            const CounterRow counter{row.integer(2), row.integer(3), row.integer(4)};
            if (row.integer(5) == incarnations[row.string(0)]) {
                counters[{row.string(0), row.string(1)}] = counter;
            } else {
                past[{row.string(0), row.string(1), row.integer(5)}] = counter;
            }
        });
    waiting = database.number("SELECT count(*) FROM agent WHERE waits_since IS NOT NULL");
    database.each("SELECT team, resource, remainder, overage_units FROM team_resource", [this](auto& row) {
        team_sums[{row.string(0), row.string(1)}] = {0, row.integer(2), row.integer(3)};
    });
    database.each("SELECT id, lease_number, team FROM agent", [this](auto& row) {
        lease_numbers[row.string(0)] = row.integer(1);
        team_of[row.string(0)] = row.string(2);
    });
    database.each("SELECT id FROM agent WHERE state = 'retired'",
                  [this](auto& row) { retired.insert(row.string(0)); });
    database.each("SELECT id FROM agent WHERE state = 'revoked'",
                  [this](auto& row) { revoked.insert(row.string(0)); });
    database.each("SELECT tranche, counted, released FROM doubt", [this](auto& row) {
        counted[row.integer(0)] += row.integer(1);
        released[row.integer(0)] += row.integer(2);
    });
    database.each("SELECT agent, resource, incarnation, remainder FROM handed_over", [this](auto& row) {
        handed_over[{row.string(0), row.string(1), row.integer(2)}] = row.integer(3);
    });
    database.each("SELECT number, team, agent, resource, need, polled_at FROM ticket", [this](auto& row) {
        tickets[row.integer(0)] = {row.string(1), row.string(2), row.string(3), row.integer(4),
                                   row.integer(5)};
    });
    database.each("SELECT id, team FROM agent WHERE learning = 1", [this](auto& row) {
        learning_agents.insert(row.string(0));
        learning_teams.insert(row.string(1));
    });
    database.each("SELECT id, coalesce(last_sync_at, 0) FROM agent",
                  [this](auto& row) { last_sync_at[row.string(0)] = row.integer(1); });
    incidents = database.number("SELECT count(*) FROM incident");
    evidence = database.number("SELECT count(*) FROM evidence");
    entries = database.number("SELECT coalesce(max(entry), 0) FROM ledger");
}

const TrancheRow* AccountView::find(std::int64_t id) const {
    for (const TrancheRow& tranche : tranches)
        if (tranche.id == id) return &tranche;
    return nullptr;
}

std::int64_t AccountView::unleased(const TrancheRow& tranche) const {
    return tranche.pool ? find(*tranche.pool)->available / tranche.rate : tranche.available;
}

UsageByHour usage_by_hour(account::Database& database) {
    UsageByHour usage;
    database.each("SELECT agent, resource, hour, subject, amount FROM usage", [&usage](auto& row) {
        usage[{row.string(0), row.string(1), row.integer(2), row.string(3)}] += row.integer(4);
    });
    return usage;
}

}  // namespace meterbox::sim
