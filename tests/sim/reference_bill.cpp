#include "tests/sim/reference_bill.hpp"

#include <algorithm>

namespace meterbox::sim {

Bill reference_bill(const std::vector<Fact>& facts, const std::vector<BilledGrant>& grants,
                    const std::map<std::string, std::int64_t>& unit_sizes) {
    std::map<std::pair<std::string, std::string>, std::int64_t> by_agent;  // agent and resource
    std::map<std::string, std::string> team_of;
    for (const Fact& fact : facts) {
        by_agent[{fact.agent, fact.resource}] += fact.amount;
        team_of[fact.agent] = fact.team;
    }
    Bill bill;
    for (const auto& [key, usage] : by_agent) {
        const auto& [agent, resource] = key;
        const auto unit = unit_sizes.find(resource);
        if (unit == unit_sizes.end()) continue;
        BillLine& line = bill[{team_of.at(agent), resource}];
        line.usage += usage;
        line.completed_units += usage / unit->second;
        line.remainders += usage % unit->second;
    }
    for (const BilledGrant& grant : grants) {
        const auto line = bill.find({grant.team, grant.resource});
        if (line == bill.end() || line->second.sold_units < 0) continue;
        line->second.sold_units = grant.unlimited ? -1 : line->second.sold_units + grant.amount;
    }
    return bill;
}

std::string disagreement(const BillLine& bill, const AccountLine& account, bool has_tokens) {
    const auto differ = [](const char* what, std::int64_t billed, std::int64_t said) {
        return std::string(what) + ": " + std::to_string(billed) + " by the bill, " + std::to_string(said) +
               " by the account";
    };
    if (account.remainders != bill.remainders)
        return differ("remainders", bill.remainders, account.remainders);
    // Each completed unit is charged once, or waits in overage.
    const std::int64_t units = account.charged_units + account.overage_units;
    if (units != bill.completed_units) return differ("completed units", bill.completed_units, units);
    if (!has_tokens && bill.sold_units >= 0 && account.charged_units > bill.sold_units)
        return differ("more was charged than sold", bill.sold_units, account.charged_units);
    // Overage takes the first units that come: where there are some, none waits.
    if (account.overage_units > 0 && (account.still_to_be_had > 0 || account.open_at_the_end))
        return differ("overage though units are to be had", 0, account.overage_units);
    return {};
}

std::string tokens_overspent(const Bill& bill,
                             const std::map<std::pair<std::string, std::string>, AccountLine>& lines,
                             const std::map<std::string, std::int64_t>& tokens,
                             const std::map<std::string, std::int64_t>& least_rates) {
    std::map<std::string, std::int64_t> spent;
    for (const auto& [key, line] : bill) {
        const auto& [team, resource] = key;
        const auto said = lines.find(key);
        if (said == lines.end() || line.sold_units < 0) continue;
        const std::int64_t beyond = said->second.charged_units - line.sold_units;
        if (beyond > 0) spent[team] += beyond * least_rates.at(resource);
    }
    for (const auto& [team, least] : spent) {
        const auto bought = tokens.find(team);
        const std::int64_t all = bought == tokens.end() ? 0 : bought->second;
        if (least > all)
            return team + ": units worth " + std::to_string(least) + " tokens at least, of " +
                   std::to_string(all);
    }
    return {};
}

}  // namespace meterbox::sim
