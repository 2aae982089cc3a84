// agent token, list, revoke, write-off, allow.
#include <boost/json.hpp>
#include <set>

#include "account/agents.hpp"
#include "account/billing.hpp"
#include "account/commands.hpp"
#include "account/custody.hpp"
#include "account/doubt.hpp"
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

namespace {

Outcome no_such_agent(const std::string& id) {
    return failed("no agent " + id + ": see agent list TEAM");
}

boost::json::object units_json(const std::map<std::string, core::Units>& by_resource) {
    boost::json::object json;
    for (const auto& [resource, units] : by_resource) json[resource] = units.value();
    return json;
}

std::string units_text(const boost::json::value& by_resource) {
    std::string text;
    for (const auto& [resource, units] : by_resource.as_object())
        text += (text.empty() ? "" : ", ") + std::string(resource) + " " + std::to_string(units.as_int64());
    return text.empty() ? "-" : text;
}

std::string units_text(const std::map<std::string, core::Units>& by_resource) {
    return units_text(units_json(by_resource));
}

Outcome decided_before(Database& database, const Agent& agent) {
    const Decided decided = decided_of(database, agent);
    std::string how;
    if (!decided.counted.empty()) how = "counted: " + units_text(decided.counted);
    if (!decided.released.empty())
        how += (how.empty() ? "" : "; ") + ("released: " + units_text(decided.released));
    return failed("agent " + agent.id + " is given up, and nothing of it is in doubt any more (" +
                  (how.empty() ? "it held nothing" : how) +
                  (agent.state == "revoked" ? "), and it is revoked: it isn't heard of again"
                                            : "): if it is heard of again, its own word settles it"));
}

std::string decided_text(std::string_view what, const std::map<std::string, core::Units>& by_resource) {
    std::string text;
    for (const auto& [resource, units] : by_resource)
        text += std::to_string(units.value()) + " units of " + resource + " " + std::string(what) + "\n";
    return text;
}

// Who was given up was perhaps the last whose word an account that learns awaited.
core::Result<void> correct_after(Store& store, const Agent& given_up) {
    if (!given_up.learning) return {};
    return correct_when_learned(store.database(), given_up.team, store.now());
}

// What is charged from now on is not on an invoice that should be final by now.
core::Result<void> close_due(Store& store, const std::string& team) {
    return close_due_cycles(store.database(), team, store.settings().invoice_final_after_ms, store.now());
}

}  // namespace

Outcome agent_revoke(Store& store, const std::string& id, bool) {
    const auto agent = find_agent(store.database(), id);
    if (!agent) return no_such_agent(id);
    if (agent->state == "retired") return failed("agent " + id + " is retired: it holds nothing");
    if (const auto closed = close_due(store, agent->team); !closed) return from_error(closed.error());
    Database& database = store.database();
    write_off(database, store.now(), *agent, LostPolicy::hold);
    database.run("UPDATE agent SET state = 'revoked' WHERE id = ?", id);
    Ledger ledger(database, store.now());
    Pool pool(database, agent->team);
    Custody custody(database, ledger, pool);  // it won't be heard again
    custody.take_over(*agent);
    custody.settle();
    if (const auto corrected = correct_after(store, *agent); !corrected) return from_error(corrected.error());
    return {exit_done, "", {}};
}

Outcome agent_write_off(Store& store, const std::string& id, const std::string& as, bool json) {
    const auto policy = lost_policy_from(as);
    if (!policy) return wrong_usage("--as " + as + ": hold, count or release");
    const auto agent = find_agent(store.database(), id);
    if (!agent) return no_such_agent(id);
    if (agent->state == "retired") return failed("agent " + id + " is retired: it holds nothing");
    Database& database = store.database();
    if (agent->written_off_at && !holds_anything(database, *agent)) return decided_before(database, *agent);
    if (const auto closed = close_due(store, agent->team); !closed) return from_error(closed.error());
    const Decided decided = write_off(database, store.now(), *agent, *policy);
    if (const auto corrected = correct_after(store, *agent); !corrected) return from_error(corrected.error());
    const auto held = in_doubt_of(database, *agent);
    if (json) {
        const boost::json::object object{{"agent", id},
                                         {"as", as},
                                         {"held", units_json(held)},
                                         {"counted", units_json(decided.counted)},
                                         {"released", units_json(decided.released)}};
        return {exit_done, boost::json::serialize(object) + "\n", {}};
    }
    const std::string text = decided_text("in doubt now", held) +
                             decided_text("counted as used", decided.counted) +
                             decided_text("released", decided.released);
    return {exit_done, text.empty() ? "no units of it were to be decided on\n" : text, {}};
}

Outcome agent_allow(Store& store, const std::string& id, bool) {
    const auto agent = find_agent(store.database(), id);
    if (!agent) return no_such_agent(id);
    if (!agent->waits_since) return failed("agent " + id + " doesn't wait for anything");
    store.database().run("UPDATE agent SET waits_since = NULL, fenced_at = NULL WHERE id = ?", id);
    return {exit_done, "", {}};
}

boost::json::object agents_json(Store& store, const std::string& team) {
    std::set<std::string> contradicted;
    for (const Evidence& evidence : list_evidence(store.database(), team))
        if (evidence.judgement == Judgement::refused) contradicted.insert(evidence.agent);
    boost::json::array list;
    for (const Agent& agent : list_agents(store.database(), team)) {
        boost::json::object json{{"id", agent.id},
                                 {"name", agent.name},
                                 {"state", std::string(shown_state(agent))},
                                 {"last_sync_at", nullptr},
                                 {"leased", units_json(leased_by(store.database(), agent, store.now()))},
                                 {"in_doubt", units_json(in_doubt_of(store.database(), agent))},
                                 {"refused_syncs", contradicted.contains(agent.id)}};
        if (agent.last_sync_at) json["last_sync_at"] = core::format_rfc3339(*agent.last_sync_at);
        list.push_back(std::move(json));
    }
    boost::json::object json{{"as_of", core::format_rfc3339(store.now())}};
    json["agents"] = std::move(list);
    return json;
}

Outcome agent_list(Store& store, const std::string& team, bool json) {
    if (!team_exists(store, team)) return no_such_team(team);
    const boost::json::object all = agents_json(store, team);
    if (json) return {exit_done, boost::json::serialize(all) + "\n", {}};
    Table table({"AGENT", "NAME", "STATE", "LAST SYNC", "LEASED", "IN DOUBT", ""});
    for (const auto& value : all.at("agents").as_array()) {
        const auto& agent = value.as_object();
        const auto& last = agent.at("last_sync_at");
        table.add({std::string(agent.at("id").as_string()), std::string(agent.at("name").as_string()),
                   std::string(agent.at("state").as_string()),
                   last.is_null() ? "never" : std::string(last.as_string()), units_text(agent.at("leased")),
                   units_text(agent.at("in_doubt")),
                   agent.at("refused_syncs").as_bool() ? "has refused syncs: see audit" : ""});
    }
    return {exit_done, table.text() + as_of_line(store.now()), {}};
}

}  // namespace meterbox::account
