#include "account/standing.hpp"

#include "account/learning.hpp"
#include "core/certificate_life.hpp"

namespace meterbox::account {

using core::wire::Refusal;
using core::wire::Standing;

namespace {

Refusal refused(Standing standing, std::string detail) {
    return {{core::ErrorCode::forbidden, std::move(detail), std::nullopt, {}}, standing};
}

Refusal expired(const Agent& agent, Purpose purpose) {
    const std::string since = "the certificate of agent " + agent.id + " expired on " +
                              core::format_rfc3339(agent.certificate_expires_at);
    if (purpose == Purpose::renew) {
        return refused(Standing::expired, since +
                                              ", too long ago to be renewed: enroll this agent again, with a "
                                              "token from `meterbox-account agent token " +
                                              agent.team + "`");
    }
    return refused(Standing::expired, since + ": it has to be renewed");
}

// Nobody has its certificate but whoever holds the agent's key: so it is the same, and this one is good, too.
void take_certificate(Database& database, const ShownCertificate& shown) {
    database.run(
        "INSERT INTO older_certificate (fingerprint, agent, expires_at) VALUES (?, ?, ?) ON CONFLICT DO "
        "NOTHING",
        shown.fingerprint, shown.agent, shown.expires_at);
}

void take_agent(Database& database, const ShownCertificate& shown, core::UtcTime now) {
    database.run(
        "INSERT INTO agent (id, team, name, state, incarnation, key_fingerprint, certificate_fingerprint, "
        "certificate, certificate_expires_at, acknowledged, acknowledged_hash, lease_number, enrolled_at, "
        "learning, unsettled_hour) VALUES (?1, ?2, ?1, 'active', 1, ?3, ?4, '', ?5, 0, '', 0, ?6, 1, 0)",
        shown.agent, shown.team, shown.key_fingerprint, shown.fingerprint, shown.expires_at, now);
}

}  // namespace

std::optional<Agent> remember(Database& database, const ShownCertificate& shown, core::UtcTime now) {
    if (find_agent_by_certificate(database, shown.fingerprint)) return std::nullopt;
    if (const auto known = find_agent(database, shown.agent)) {
        if (known->key_fingerprint != shown.key_fingerprint) return std::nullopt;
        take_certificate(database, shown);
        return find_agent_by_certificate(database, shown.fingerprint);
    }
    if (database.number("SELECT count(*) FROM team WHERE key = ?", shown.team) == 0) return std::nullopt;
    begin_learning(
        database, shown.team, now,
        "agent " + shown.agent +
            " showed a certificate that this account signed, and this store doesn't know the agent: "
            "it was put back, or restored from a backup of before it enrolled");
    take_agent(database, shown, now);
    return find_agent(database, shown.agent);
}

Admission admit(Database& database, const std::string& fingerprint, Purpose purpose, core::UtcTime now) {
    auto agent = find_agent_by_certificate(database, fingerprint);
    if (!agent) {
        return refused(Standing::unknown,
                       "no agent has this certificate: enroll again, with a token from `meterbox-account "
                       "agent token`");
    }
    if (agent->state == "revoked") {
        return refused(Standing::revoked, "agent " + agent->id +
                                              " is revoked: if that is a mistake, give it a new state folder "
                                              "and enroll it anew");
    }
    if (agent->state == "retired" && purpose != Purpose::retire) {
        return refused(Standing::retired, "agent " + agent->id +
                                              " is retired: to use this machine again, give it a new state "
                                              "folder and enroll it anew");
    }
    if (agent->state == "fenced" && purpose != Purpose::renew) {
        return refused(Standing::fenced, "agent " + agent->id +
                                             " is fenced: the operator lets it in again with "
                                             "`meterbox-account agent allow " +
                                             agent->id + "`");
    }
    const core::CertificateLife life{agent->certificate_expires_at, agent->certificate_expires_at};
    const bool in_time = purpose == Purpose::renew ? life.may_renew(now) : !life.expired(now);
    if (!in_time) return expired(*agent, purpose);
    return std::move(*agent);
}

}  // namespace meterbox::account
