// The agents of a team, as the account knows them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "account/database.hpp"
#include "core/error.hpp"
#include "core/quantity.hpp"
#include "core/time.hpp"

namespace meterbox::account {

struct Agent {
    std::string id;
    std::string team;
    std::string name;
    std::string state;  // active, revoked, retired; see also shown_state()
    std::int64_t incarnation = 1;
    std::string key_fingerprint;
    core::UtcTime certificate_expires_at;  // the newest one's, or the one's by which it was found
    std::string session;
    std::string session_nonce;      // where a sync has read it
    std::int64_t acknowledged = 0;  // the link of its journal at which its counters were taken last
    std::string acknowledged_hash;
    std::int64_t usage_acknowledged = 0;  // the same of usage by hour
    std::int64_t starts_after = 0;        // the starts of its journal are known after this link
    std::int64_t lease_number = 0;
    std::optional<core::UtcTime> last_sync_at;
    std::optional<core::UtcTime> fenced_at;
    std::optional<core::UtcTime> waits_since;  // for an operator to allow another fence
    std::optional<core::UtcTime> written_off_at;
    std::optional<std::int64_t> unsettled_hour;  // the first of which usage may still come; none: not known
    bool learning = false;  // its word is awaited, for the account is older than what it said
};
// As an admin sees it: fenced while it waits, written-off until it is heard of again.
std::string_view shown_state(const Agent& agent);

// Whose certificate this is: the newest, or one that a renewal has replaced.
std::optional<Agent> find_agent_by_certificate(Database& database, const std::string& fingerprint);
// The agent that enrolled with this key.
std::optional<Agent> find_agent_by_key(Database& database, const std::string& key_fingerprint);
std::optional<Agent> find_agent(Database& database, const std::string& id);
std::vector<Agent> list_agents(Database& database, const std::string& team);

// Units leased and neither used nor returned, by resource, as known: of what is valid now, as on the cards.
std::map<std::string, core::Units> leased_by(Database& database, const Agent& agent, core::UtcTime now);

// Held in doubt of all its incarnations, by resource.
std::map<std::string, core::Units> in_doubt_of(Database& database, const Agent& agent);

// Agents of the team that synced since then: N of the lease's size. At least 1.
std::int64_t agents_active_since(Database& database, const std::string& team, core::UtcTime since);

// N, the agents of a team that synced in the last 24 h, as sizing needs it: of a large team it is counted
// anew only now and then (after so many milliseconds as there are agents, so that a sync costs the same
// however many there are), of any other each time.
class ActiveAgents {
public:
    std::int64_t of(Database& database, const std::string& team, core::UtcTime now);

private:
    struct Counted {
        std::int64_t agents = 0;
        core::UtcTime at;
    };
    std::map<std::string, Counted> large_;  // by team
};

// What no honest agent says is refused. What only a wrong clock says is taken all the same.
enum class Judgement { refused, taken };

// A message, or what is strange in one. The same again counts up.
void keep_evidence(Database& database, const Agent& agent, const std::string& detail, core::UtcTime now,
                   Judgement judgement = Judgement::refused);

// Why there is no such session for this agent: it has to say hello. Another's is evidence.
[[nodiscard]] core::Error no_session(Database& database, const Agent& agent, const std::string& session,
                                     core::UtcTime now);

struct Evidence {
    std::string agent;
    std::int64_t incarnation = 1;
    core::UtcTime first_at;
    core::UtcTime last_at;
    std::int64_t times = 0;
    std::string detail;
    Judgement judgement = Judgement::refused;
};
std::vector<Evidence> list_evidence(Database& database, const std::string& team);

}  // namespace meterbox::account
