// agent token, list.
#include <boost/json.hpp>
#include <set>

#include "account/agents.hpp"
#include "account/commands.hpp"
#include "account/enrollment.hpp"
#include "account/table.hpp"

namespace meterbox::account {

Outcome agent_token(Store& store, const std::string& team, const std::string& ttl, bool json) {
    const auto ttl_ms = core::parse_short_duration_ms(ttl);
    if (!ttl_ms || *ttl_ms <= 0 || *ttl_ms > token_ttl_max_ms) {
        return wrong_usage("--ttl " + ttl + ": a duration like 1h, at most 30d");
    }
    if (!team_exists(store, team)) return no_such_team(team);
    const auto token = make_enrollment_token(store, team, *ttl_ms);
    if (!token) return from_error(token.error());
    if (!json) return {exit_done, *token + "\n", {}};
    boost::json::object object{{"token", *token},
                               {"expires_at", core::format_rfc3339(store.now() + *ttl_ms)}};
    return {exit_done, boost::json::serialize(object) + "\n", {}};
}

boost::json::object agents_json(Store& store, const std::string& team) {
    std::set<std::string> contradicted;
    for (const Evidence& evidence : list_evidence(store.database(), team))
        contradicted.insert(evidence.agent);
    boost::json::array list;
    for (const Agent& agent : list_agents(store.database(), team)) {
        boost::json::object leased;
        for (const auto& [resource, units] : leased_by(store.database(), agent)) {
            leased[resource] = units.value();
        }
        boost::json::object json{{"id", agent.id},       {"name", agent.name},
                                 {"state", agent.state}, {"last_sync_at", nullptr},
                                 {"leased", leased},     {"refused_syncs", contradicted.contains(agent.id)}};
        if (agent.last_sync_at) json["last_sync_at"] = core::format_rfc3339(*agent.last_sync_at);
        list.push_back(std::move(json));
    }
    boost::json::object json;
    json["agents"] = std::move(list);
    return json;
}

Outcome agent_list(Store& store, const std::string& team, bool json) {
    if (!team_exists(store, team)) return no_such_team(team);
    const boost::json::object all = agents_json(store, team);
    if (json) return {exit_done, boost::json::serialize(all) + "\n", {}};
    Table table({"AGENT", "NAME", "STATE", "LAST SYNC", "LEASED", ""});
    for (const auto& value : all.at("agents").as_array()) {
        const auto& agent = value.as_object();
        std::string leased;
        for (const auto& [resource, units] : agent.at("leased").as_object()) {
            leased +=
                (leased.empty() ? "" : ", ") + std::string(resource) + " " + std::to_string(units.as_int64());
        }
        const auto& last = agent.at("last_sync_at");
        table.add({std::string(agent.at("id").as_string()), std::string(agent.at("name").as_string()),
                   std::string(agent.at("state").as_string()),
                   last.is_null() ? "never" : std::string(last.as_string()), leased.empty() ? "-" : leased,
                   agent.at("refused_syncs").as_bool() ? "has refused syncs: see audit" : ""});
    }
    return {exit_done, table.text(), {}};
}

}  // namespace meterbox::account
