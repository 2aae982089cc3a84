// The tables usage and agent_resource, summed up in two halves of their bits, so that no sum is beyond a
// figure.
#include "account/audit_usage.hpp"

#include <algorithm>
#include <map>

namespace meterbox::account {

namespace {

__extension__ using Wide = __int128;

std::string text_of(Wide number) {
    std::string digits;
    for (; number > 0 || digits.empty(); number /= 10)
        digits += static_cast<char>('0' + static_cast<int>(number % 10));
    return {digits.rbegin(), digits.rend()};
}

std::map<std::string, Wide> sums(Database& database, const char* sql, const Agent& agent) {
    std::map<std::string, Wide> by_resource;
    database.each(
        sql, [&](auto& row) { by_resource[row.string(0)] = (Wide{row.integer(1)} << 32) + row.integer(2); },
        agent.id);
    return by_resource;
}

#define OF_ALL_METERED "(SELECT key FROM resource WHERE kind = 'exhaustible' AND ever_unmetered = 0)"

}  // namespace

std::optional<Agent> next_agent(Database& database, const std::string& team, const std::string& after) {
    const auto id = database.first(
        "SELECT id FROM agent WHERE team = ? AND id > ? AND id NOT LIKE 'custody/%' ORDER BY id LIMIT 1",
        [](auto& row) { return row.string(0); }, team, after);
    return id ? find_agent(database, *id) : std::nullopt;
}

std::vector<std::string> usage_findings(Database& database, const Agent& agent) {
    if (agent.incarnation != 1) return {};
    const auto metered =
        sums(database,
             "SELECT resource, sum(metered / 4294967296), sum(metered % 4294967296) FROM agent_resource "
             "WHERE agent = ? AND resource IN " OF_ALL_METERED " GROUP BY resource",
             agent);
    auto usage = sums(database,
                      "SELECT resource, sum(amount / 4294967296), sum(amount % 4294967296) FROM usage WHERE "
                      "agent = ? AND incarnation = 1 AND resource IN " OF_ALL_METERED " GROUP BY resource",
                      agent);
    const bool told_all = agent.usage_acknowledged >= agent.acknowledged;
    std::vector<std::string> findings;
    const auto compare = [&](const std::string& resource, Wide by_hour, Wide all) {
        if (by_hour == all || (by_hour < all && !told_all)) return;
        findings.push_back("agent " + agent.id + ", resource " + resource + ": usage by hour adds up to " +
                           text_of(by_hour) + ", but " + text_of(all) + " was metered");
    };
    for (const auto& [resource, all] : metered) {
        compare(resource, usage[resource], all);
        usage.erase(resource);
    }
    for (const auto& [resource, by_hour] : usage) compare(resource, by_hour, 0);
    return findings;
}

std::vector<std::string> usage_differences(Database& database, const Agent& agent) {
    std::vector<std::string> differences;
    // Two subjects that had control characters may have become one.
    database.each(
        "SELECT r.incarnation, r.resource, r.told, coalesce(u.high, 0), coalesce(u.low, 0) FROM "
        "agent_resource AS r LEFT JOIN (SELECT incarnation, resource, sum(amount / 4294967296) AS high, "
        "sum(amount % 4294967296) AS low, "
        "max(CASE WHEN subject LIKE '%\\x%' ESCAPE '|' THEN 1 ELSE 0 END) AS joined FROM usage WHERE agent = "
        "?1 GROUP BY incarnation, resource) AS u ON u.incarnation = "
        "r.incarnation AND u.resource = r.resource WHERE r.agent = ?1 AND r.told < 2305843009213693952 AND "
        "coalesce(u.joined, 0) = 0 AND EXISTS (SELECT 1 FROM resource WHERE key = r.resource AND kind = "
        "'exhaustible') ORDER BY 1, 2",
        [&](auto& row) {
            const Wide by_hour = (Wide{row.integer(3)} << 32) + row.integer(4);
            if (by_hour == row.integer(2)) return;
            differences.push_back("agent " + agent.id + ", resource " + row.string(1) +
                                  ": usage by hour adds up to " + text_of(by_hour) + ", but " +
                                  std::to_string(row.integer(2)) + " was told in incarnation " +
                                  std::to_string(row.integer(0)));
        },
        agent.id);
    return differences;
}

std::vector<std::string> counter_differences(Database& database, const std::string& team) {
    std::vector<std::string> differences;
    database.each(
        "SELECT a.agent, a.resource, a.metered, a.remainder, a.overage_units, resource.unit_size, (SELECT "
        "coalesce(sum(used), 0) FROM holding JOIN tranche ON tranche.id = holding.tranche WHERE "
        "holding.agent = a.agent AND holding.incarnation = a.incarnation AND tranche.resource = a.resource), "
        "coalesce((SELECT overage_units FROM handed_over AS h WHERE h.agent = a.agent AND h.incarnation = "
        "a.incarnation AND "
        "h.resource = a.resource), 0), coalesce((SELECT remainder FROM handed_over AS h WHERE h.agent = "
        "a.agent AND h.incarnation = a.incarnation AND h.resource = a.resource), 0) "
        "FROM agent_resource AS a JOIN agent ON agent.id = a.agent JOIN resource ON resource.key = "
        "a.resource WHERE agent.team = ? AND "
        "resource.kind = 'exhaustible'",
        [&](auto& row) {
            const std::int64_t overage = row.integer(4) + row.integer(7);
            const std::int64_t remainder = row.integer(3) + row.integer(8);
            const Wide sum = Wide{row.integer(5)} * (Wide{row.integer(6)} + overage) + remainder;
            if (sum == row.integer(2)) return;
            differences.push_back("agent " + row.string(0) + ", resource " + row.string(1) + ": metered " +
                                  std::to_string(row.integer(2)) + ", but " + std::to_string(row.integer(6)) +
                                  " units used, " + std::to_string(overage) + " in overage and " +
                                  std::to_string(remainder) + " towards the next make " + text_of(sum));
        },
        team);
    database.each(
        "SELECT DISTINCT h.agent, t.resource FROM holding AS h JOIN tranche AS t ON t.id = h.tranche WHERE "
        "t.team = ? AND h.used > 0 AND NOT EXISTS (SELECT 1 FROM agent_resource AS a WHERE a.agent = h.agent "
        "AND a.incarnation = h.incarnation AND a.resource = t.resource) ORDER BY 1, 2",
        [&](auto& row) {
            differences.push_back("agent " + row.string(0) + ", resource " + row.string(1) +
                                  ": units used, but no row of what was metered");
        },
        team);
    return differences;
}

}  // namespace meterbox::account
