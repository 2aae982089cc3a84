// The tables agent and evidence.
#include "account/agents.hpp"

#include <algorithm>

namespace meterbox::account {

namespace {

// Of one agent; what comes after tells nothing new.
constexpr std::int64_t evidence_max = 100;
constexpr std::int64_t counted_each_time_max = 16;

#define COLUMNS                                                                                       \
    "SELECT id, team, name, state, incarnation, key_fingerprint, coalesce(session, ''), "             \
    "acknowledged, acknowledged_hash, lease_number, last_sync_at, usage_acknowledged, starts_after, " \
    "fenced_at, waits_since, written_off_at, certificate_expires_at, learning, unsettled_hour FROM agent "

std::optional<core::UtcTime> optional_time(platform::sql::Row& row, int column) {
    if (row.is_null(column)) return std::nullopt;
    return core::UtcTime{row.integer(column)};
}

Agent agent_of(platform::sql::Row& row) {
    Agent agent;
    agent.id = row.string(0);
    agent.team = row.string(1);
    agent.name = row.string(2);
    agent.state = row.string(3);
    agent.incarnation = row.integer(4);
    agent.key_fingerprint = row.string(5);
    agent.session = row.string(6);
    agent.acknowledged = row.integer(7);
    agent.acknowledged_hash = row.string(8);
    agent.lease_number = row.integer(9);
    agent.last_sync_at = optional_time(row, 10);
    agent.usage_acknowledged = row.integer(11);
    agent.starts_after = row.integer(12);
    agent.fenced_at = optional_time(row, 13);
    agent.waits_since = optional_time(row, 14);
    agent.written_off_at = optional_time(row, 15);
    agent.certificate_expires_at = {row.integer(16)};
    agent.learning = row.integer(17) != 0;
    agent.unsettled_hour = row.optional_integer(18);
    return agent;
}

}  // namespace

std::string_view shown_state(const Agent& agent) {
    if (agent.state != "active") return agent.state;
    if (agent.written_off_at) return "written-off";
    return agent.waits_since ? "fenced" : "active";
}

std::optional<Agent> find_agent(Database& database, const std::string& id) {
    return database.first(COLUMNS "WHERE id = ? AND id NOT LIKE 'custody/%'", agent_of, id);
}

std::optional<Agent> find_agent_by_certificate(Database& database, const std::string& fingerprint) {
    // In two steps: whose it is doesn't change with each of the team's syncs.
    const auto id = database.first(
        "SELECT id FROM agent WHERE certificate_fingerprint = ?", [](auto& row) { return row.string(0); },
        fingerprint);
    if (id) return database.first(COLUMNS "WHERE id = ?", agent_of, *id);
    auto older =
        database.first(COLUMNS "WHERE id = (SELECT agent FROM older_certificate WHERE fingerprint = ?)",
                       agent_of, fingerprint);
    if (older) {
        older->certificate_expires_at = {
            database.number("SELECT expires_at FROM older_certificate WHERE fingerprint = ?", fingerprint)};
    }
    return older;
}

std::optional<Agent> find_agent_by_key(Database& database, const std::string& key_fingerprint) {
    return database.first(COLUMNS "WHERE key_fingerprint = ? ORDER BY enrolled_at DESC LIMIT 1", agent_of,
                          key_fingerprint);
}

std::vector<Agent> list_agents(Database& database, const std::string& team) {
    std::vector<Agent> agents;
    database.each(
        COLUMNS "WHERE team = ? AND id NOT LIKE 'custody/%' ORDER BY enrolled_at, id",
        [&](auto& row) { agents.push_back(agent_of(row)); }, team);
    return agents;
}

std::map<std::string, core::Units> leased_by(Database& database, const Agent& agent, core::UtcTime now) {
    std::map<std::string, core::Units> leased;
    database.each(
        "SELECT tranche.resource, sum(holding.granted - holding.used - holding.returned) "
        "FROM holding JOIN tranche ON tranche.id = holding.tranche "
        "WHERE holding.agent = ? AND tranche.ended = 0 AND tranche.starts_at <= ? AND "
        "(tranche.ends_at IS NULL OR tranche.ends_at > ?) GROUP BY 1 ORDER BY 1",
        [&](auto& row) { leased[row.string(0)] = core::Units{row.integer(1)}; }, agent.id, now, now);
    return leased;
}

std::map<std::string, core::Units> in_doubt_of(Database& database, const Agent& agent) {
    std::map<std::string, core::Units> held;
    database.each(
        "SELECT resource, sum(held) FROM doubt WHERE agent = ? AND held > 0 GROUP BY 1 ORDER BY 1",
        [&](auto& row) { held[row.string(0)] = core::Units{row.integer(1)}; }, agent.id);
    return held;
}

std::int64_t agents_active_since(Database& database, const std::string& team, core::UtcTime since) {
    const auto count = database.number(
        "SELECT count(*) FROM agent WHERE team = ? AND state = 'active' AND last_sync_at >= ?", team, since);
    return std::max<std::int64_t>(1, count);
}

std::int64_t ActiveAgents::of(Database& database, const std::string& team, core::UtcTime now) {
    const auto known = large_.find(team);
    if (known != large_.end()) {
        const std::int64_t age_ms = now - known->second.at;
        if (age_ms >= 0 && age_ms < known->second.agents) return known->second.agents;
    }
    const Counted counted{agents_active_since(database, team, now + -core::day_ms), now};
    if (counted.agents > counted_each_time_max) {
        large_[team] = counted;
    } else if (known != large_.end()) {
        large_.erase(known);
    }
    return counted.agents;
}

void keep_evidence(Database& database, const Agent& agent, const std::string& detail, core::UtcTime now,
                   Judgement judgement) {
    const auto known = database.changed_by(
        "UPDATE evidence SET last_at = ?, times = times + 1 WHERE agent = ? AND incarnation = ? AND detail = "
        "?",
        now, agent.id, agent.incarnation, detail);
    if (known != 0 ||
        database.number("SELECT count(*) FROM evidence WHERE agent = ?", agent.id) >= evidence_max) {
        return;
    }
    database.run(
        "INSERT INTO evidence (agent, incarnation, first_at, last_at, times, detail, taken) VALUES (?, ?, ?, "
        "?, 1, ?, ?)",
        agent.id, agent.incarnation, now, now, detail, judgement == Judgement::taken ? 1 : 0);
}

core::Error no_session(Database& database, const Agent& agent, const std::string& session,
                       core::UtcTime now) {
    const auto other = database.first(
        "SELECT agent FROM session WHERE id = ? AND agent <> ?", [](auto& row) { return row.string(0); },
        session, agent.id);
    if (!other) return {core::ErrorCode::not_found, "no such session: say hello first", std::nullopt, {}};
    keep_evidence(database, agent, "the session is of agent " + *other, now);
    return {core::ErrorCode::conflict, "the session is another agent's: say hello first", std::nullopt, {}};
}

std::vector<Evidence> list_evidence(Database& database, const std::string& team) {
    std::vector<Evidence> list;
    database.each(
        "SELECT evidence.agent, evidence.incarnation, first_at, last_at, times, detail, taken "
        "FROM evidence JOIN agent ON agent.id = evidence.agent WHERE agent.team = ? ORDER BY evidence.id",
        [&](auto& row) {
            list.push_back({row.string(0),
                            row.integer(1),
                            {row.integer(2)},
                            {row.integer(3)},
                            row.integer(4),
                            row.string(5),
                            row.integer(6) != 0 ? Judgement::taken : Judgement::refused});
        },
        team);
    return list;
}

}  // namespace meterbox::account
