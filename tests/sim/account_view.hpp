// The account's tables as plain figures, read from outside: what the invariants and the bill compare with.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "account/database.hpp"
#include "tests/sim/table_watch.hpp"

namespace meterbox::sim {

struct TrancheRow {
    std::int64_t id = 0;
    std::string team;
    std::string resource;
    std::string tier;
    std::optional<std::int64_t> purchased;
    std::int64_t available = 0;
    std::int64_t charged = 0;
    std::int64_t in_doubt = 0;
    std::int64_t expired = 0;
    std::int64_t leased = 0;
    std::int64_t starts_at = 0;
    std::optional<std::int64_t> ends_at;
    std::optional<std::int64_t> pool;  // of tokens, that its units are out of
    std::int64_t rate = 1;             // tokens a unit
    bool ended = false;                // by its end or an operator: no lease names it any more
    bool is_pool() const { return resource.empty(); }
    bool operator==(const TrancheRow&) const = default;
};

struct HoldingRow {
    std::int64_t granted = 0;
    std::int64_t used = 0;
    std::int64_t returned = 0;
    std::int64_t since = 0;
    bool operator==(const HoldingRow&) const = default;
};

struct CounterRow {
    std::int64_t metered = 0;
    std::int64_t remainder = 0;
    std::int64_t overage_units = 0;
    bool operator==(const CounterRow&) const = default;
};

using HoldingKey = std::tuple<std::string, std::int64_t, std::int64_t>;  // agent, tranche, incarnation
struct TicketRow {
    std::string team;
    std::string agent;
    std::string resource;
    std::int64_t need = 0;
    std::int64_t polled_at = 0;
    bool operator==(const TicketRow&) const = default;
};

struct AccountView {
    explicit AccountView(account::Database& database);
    // As it was before, but for these tables.
    AccountView(account::Database& database, const AccountView& before, const ChangedTables& changed);
    // The first table of which the other has something else; nothing: they are the same.
    std::string differs_in(const AccountView& other) const;
    bool operator==(const AccountView&) const = default;

    std::vector<TrancheRow> tranches;  // in draw order of tiers, by id
    std::map<HoldingKey, HoldingRow> holdings;
    std::map<std::pair<std::string, std::string>, CounterRow>
        counters;  // by agent and resource, as it is now
    std::map<std::tuple<std::string, std::string, std::int64_t>, CounterRow> past;  // of incarnations before
    std::map<std::string, std::int64_t> incarnations;                               // by agent
    std::int64_t waiting = 0;                                                       // agents fenced again
    std::map<std::pair<std::string, std::string>, CounterRow> team_sums;            // by team and resource
    std::map<std::string, std::int64_t> lease_numbers;                              // by agent
    std::map<std::string, std::string> team_of;                                     // by agent
    std::set<std::string> learning_teams;              // some agent's word is awaited
    std::set<std::string> learning_agents;             // whose
    std::map<std::string, std::int64_t> last_sync_at;  // by agent
    std::int64_t incidents = 0;                        // the store was found to be older than what it said
    std::set<std::string> retired;                     // agents
    std::set<std::string> revoked;
    std::set<std::string> written_off;
    std::map<std::string, std::int64_t> acknowledged;  // links of journals, by agent
    std::map<std::string, std::string> acknowledged_hash;
    std::map<std::int64_t, std::int64_t> counted;   // units of agents that were given up, by tranche
    std::map<std::int64_t, std::int64_t> released;  // the same
    std::map<std::tuple<std::string, std::string, std::int64_t>, std::int64_t>
        handed_over;                            // remainders, by agent, resource and incarnation
    std::map<std::int64_t, TicketRow> tickets;  // by number
    std::int64_t evidence = 0;                  // of messages that were refused
    std::int64_t hours_to_come = 0;             // named by clocks that were wrong
    std::int64_t entries = 0;                   // of the ledger
    std::int64_t epoch = 0;                     // of the account

    // It is a team's custody, no machine's.
    static bool custodian(const std::string& agent) { return agent.starts_with("custody/"); }
    const TrancheRow* find(std::int64_t id) const;
    // Units that could be leased of it now: of a pool's, as far as its tokens go.
    std::int64_t unleased(const TrancheRow& tranche) const;

private:
    AccountView() = default;
    void read_tranches(account::Database& database);
    void read_holdings(account::Database& database);
    void read_agents(account::Database& database);
    void read_counters(account::Database& database);
    void read_sums(account::Database& database);
    void read_doubt(account::Database& database);
    void read_handed_over(account::Database& database);
    void read_tickets(account::Database& database);
};

// What such a map has of it; nothing: zeros.
template <class Map>
typename Map::mapped_type value_of(const Map& map, const typename Map::key_type& key) {
    const auto found = map.find(key);
    return found == map.end() ? typename Map::mapped_type{} : found->second;
}

// By agent, resource, hour and subject.
using UsageByHour = std::map<std::tuple<std::string, std::string, std::int64_t, std::string>, std::int64_t>;
UsageByHour usage_by_hour(account::Database& database);

}  // namespace meterbox::sim
