#include "account/team_sums.hpp"

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

#include "core/limits.hpp"

namespace meterbox::account {

namespace {

constexpr core::Units most{core::limits::counter_max};

// Each half of the figures added up by itself: a database's sum has no more room than one figure.
core::Units joined(std::int64_t high, std::int64_t low) {
    if (high >= most.value() >> 32) return most;
    return std::min(core::Units{(high << 32) + low}, most);
}

}  // namespace

bool is_full(const PoolTotals& sums) {
    return sums.overage_units >= most || sums.held >= most;
}

std::map<std::string, PoolTotals> add_up(Database& database, const std::string& team) {
    std::map<std::string, PoolTotals> sums;
    database.each(
        "SELECT r.resource, sum(r.remainder), "
        "sum(r.overage_units / 4294967296), sum(r.overage_units % 4294967296), "
        "sum(r.held / 4294967296), sum(r.held % 4294967296) "
        "FROM agent_resource AS r JOIN agent ON agent.id = r.agent WHERE agent.team = ? GROUP BY 1",
        [&](auto& row) {
            sums[row.string(0)] = {core::Amount{row.integer(1)}, joined(row.integer(2), row.integer(3)),
                                   joined(row.integer(4), row.integer(5))};
        },
        team);
    return sums;
}

void add_up_anew(Database& database, const std::string& team) {
    const auto sums = add_up(database, team);
    const std::vector<std::pair<std::string, PoolTotals>> all(sums.begin(), sums.end());
    database.run_each_of(
        "UPDATE team_resource SET remainder = ?, overage_units = ?, held = ? WHERE team = ? AND resource = ?",
        all, [&](const auto& sum) {
            const auto& [resource, of] = sum;
            return std::tie(of.remainder, of.overage_units, of.held, team, resource);
        });
}

}  // namespace meterbox::account
