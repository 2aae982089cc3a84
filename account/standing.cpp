#include "account/standing.hpp"

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

}  // namespace

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
