#include "account/renewal.hpp"

#include "core/certificate_life.hpp"
#include "core/limits.hpp"
#include "platform/tls/certificate.hpp"
#include "platform/tls/pki.hpp"

namespace meterbox::account {

using core::Error;
using core::ErrorCode;
using core::Result;
namespace limits = core::limits;
namespace tls = platform::tls;

Result<IssuedCertificate> issue_agent_certificate(Store& store, const std::string& agent,
                                                  const std::string& team, const std::string& request) {
    tls::CertificateWish wish;
    wish.common_name = agent;
    wish.organization = team;
    wish.valid_from = store.now() + -limits::certificate_backdate_ms;
    wish.valid_to = store.now() + limits::certificate_lifetime_ms;
    auto pem = tls::issue_certificate(store.authority().certificate, store.authority().key, request, wish);
    if (!pem) return pem.error();
    const auto info = tls::certificate_info(*pem);
    if (!info) return info.error();
    return IssuedCertificate{std::move(*pem), info->fingerprint, info->not_after};
}

Result<void> check_same_key(const Agent& agent, const std::string& request) {
    Result<void> checked = tls::check_certificate_request(request);
    if (checked) {
        const auto key = tls::request_key_fingerprint(request);
        if (!key) {
            checked = key.error();
        } else if (*key != agent.key_fingerprint) {
            return Error{ErrorCode::forbidden,
                         "agent " + agent.id +
                             " keeps the key that it enrolled with; this request is "
                             "by another",
                         std::nullopt, "/request"};
        }
    }
    if (checked) return checked;
    Error error = checked.error();
    error.pointer = "/request";
    return error;
}

Result<std::string> renewed_certificate(Store& store, const Agent& agent, const std::string& request) {
    Database& database = store.database();
    const auto newest = database.first(
        "SELECT certificate FROM agent WHERE id = ?", [](auto& row) { return row.string(0); }, agent.id);
    const auto info = tls::certificate_info(newest.value_or(""));
    if (info && core::CertificateLife{info->not_before, info->not_after}.fresh(store.now())) return *newest;

    auto issued = issue_agent_certificate(store, agent.id, agent.team, request);
    if (!issued) return issued.error();
    database.run("DELETE FROM older_certificate WHERE agent = ? AND expires_at < ?", agent.id,
                 store.now() + -limits::certificate_renewal_grace_ms);
    database.run(
        "INSERT INTO older_certificate (fingerprint, agent, expires_at) "
        "SELECT certificate_fingerprint, id, certificate_expires_at FROM agent WHERE id = ?",
        agent.id);
    database.run(
        "UPDATE agent SET certificate_fingerprint = ?, certificate = ?, certificate_expires_at = ? "
        "WHERE id = ?",
        issued->fingerprint, issued->pem, issued->expires_at, agent.id);
    return std::move(issued->pem);
}

Result<core::wire::RenewReply> renew(Store& store, const Agent& agent,
                                     const core::wire::RenewRequest& request) {
    if (const auto checked = check_same_key(agent, request.request); !checked) return checked.error();
    const auto certificate = renewed_certificate(store, agent, request.request);
    if (!certificate) return certificate.error();
    return core::wire::RenewReply{*certificate + store.authority().certificate};
}

}  // namespace meterbox::account
