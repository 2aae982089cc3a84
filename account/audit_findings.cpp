// Agents first, then what happened to them.
#include "account/audit_findings.hpp"

#include "account/agents.hpp"
#include "account/learning.hpp"

namespace meterbox::account {

namespace {

class Findings {
public:
    Findings(Database& database, const std::string& team) : database_(database), team_(team) {}

    std::vector<std::string> run() {
        look_at_agents();
        return std::move(findings_);
    }

private:
    void find(std::string text) { findings_.push_back(std::move(text)); }

    void look_at_agents() {
        look_at_fences();
        for (const Evidence& evidence : list_evidence(database_, team_)) {
            const bool taken = evidence.judgement == Judgement::taken;
            find("agent " + evidence.agent + (taken ? ": taken " : ": refused ") +
                 std::to_string(evidence.times) + " times, last at " +
                 core::format_rfc3339(evidence.last_at) + ": " + evidence.detail);
        }
    }

    void look_at_fences() {
        for (const Incident& incident : list_incidents(database_, team_))
            find("at " + core::format_rfc3339(incident.at) + " " + incident.detail);
        database_.each(
            "SELECT agent, number, ended_at, (SELECT coalesce(sum(held), 0) FROM doubt WHERE doubt.agent = "
            "incarnation.agent AND doubt.incarnation = number), fenced FROM incarnation JOIN agent ON "
            "agent.id = incarnation.agent WHERE agent.team = ? ORDER BY ended_at",
            [&](auto& row) {
                find("agent " + row.string(0) + ": its incarnation " + std::to_string(row.integer(1)) +
                     (row.integer(4) != 0 ? " was fenced at " : " ended, and it went on as another, at ") +
                     core::format_rfc3339({row.integer(2)}) + ", " + std::to_string(row.integer(3)) +
                     " units of it are in doubt");
            },
            team_);
        for (const Agent& agent : list_agents(database_, team_)) {
            if (agent.waits_since)
                find("agent " + agent.id + ": fenced again at " + core::format_rfc3339(*agent.waits_since) +
                     ", it waits for: meterbox-account agent allow " + agent.id);
            if (agent.learning && agent.state == "active")
                find("agent " + agent.id + ": its word is awaited; until then the team gets no new units");
            if (agent.written_off_at)
                find("agent " + agent.id + ": written off at " + core::format_rfc3339(*agent.written_off_at) +
                     ", and not heard of since");
        }
    }

    Database& database_;
    const std::string& team_;
    std::vector<std::string> findings_;
};

}  // namespace

std::vector<std::string> audit_findings(Database& database, const std::string& team) {
    return Findings(database, team).run();
}

}  // namespace meterbox::account
