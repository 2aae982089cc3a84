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

}  // namespace meterbox::account
