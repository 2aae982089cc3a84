// What a TlsContext holds in mbedTLS's terms. Internal to platform/tls.
#pragma once

#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ticket.h>

#include <mutex>
#include <string>

#include "platform/tls/mbedtls_support.hpp"
#include "platform/tls/tls_context.hpp"

namespace meterbox::platform::tls {

using Session = Owned<mbedtls_ssl_session, mbedtls_ssl_session_init, mbedtls_ssl_session_free>;

// The last session with a server, offered at the next handshake with the same one.
class SessionStore {
public:
    // Any error of mbedTLS here means a full handshake next time, and nothing else.
    void keep(const std::string& server, const mbedtls_ssl_context& ssl);
    void offer(const std::string& server, mbedtls_ssl_context& ssl);
    void forget(const std::string& server);

private:
    std::mutex mutex_;
    std::string server_;
    std::unique_ptr<Session> session_;
};

struct TlsContext::State {
    Owned<mbedtls_ssl_config, mbedtls_ssl_config_init, mbedtls_ssl_config_free> config;
    Owned<mbedtls_ssl_ticket_context, mbedtls_ssl_ticket_init, mbedtls_ssl_ticket_free> tickets;
    CertificateChain certificate;
    PrivateKey key;
    CertificateChain trusted;  // empty where a fingerprint is trusted: mbedTLS wants something to look in
    std::optional<Sha256> trusted_fingerprint;
    JudgeTime judge_time;
    Cures cures;
    bool is_server = false;
    bool has_certificate = false;
    bool certificate_required = false;  // of clients
    SessionStore sessions;
};

}  // namespace meterbox::platform::tls
