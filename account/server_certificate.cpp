#include "account/server_certificate.hpp"

#include "platform/tls/certificate.hpp"

namespace meterbox::account {

using core::Result;
namespace tls = platform::tls;

namespace {

Result<ServerCertificate::Context> context_of(const ServerIdentity& identity, const Authority& authority,
                                              tls::ClientAuth auth) {
    tls::ServerOptions options;
    options.certificate_pem = identity.certificate;
    options.key_pem = identity.key;
    if (auth != tls::ClientAuth::none) options.client_ca_pem = authority.certificate;
    options.client_auth = auth;
    return tls::TlsContext::server(options);
}

}  // namespace

Result<bool> ServerCertificate::refresh(core::UtcTime now) {
    const auto identity = load_or_make_server_identity(files_, authority_, names_, now);
    if (!identity) return identity.error();
    if (identity->certificate == certificate_) return false;
    const auto info = tls::certificate_info(identity->certificate);
    if (!info) return info.error();
    auto for_agents = context_of(*identity, authority_, tls::ClientAuth::optional);
    if (!for_agents) return for_agents.error();
    auto for_admins = context_of(*identity, authority_, tls::ClientAuth::none);
    if (!for_admins) return for_admins.error();
    certificate_ = identity->certificate;
    for_agents_ = std::move(*for_agents);
    for_admins_ = std::move(*for_admins);
    expires_at_ = info->not_after;
    return true;
}

}  // namespace meterbox::account
