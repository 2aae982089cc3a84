#include "platform/tls/tls_context.hpp"

#include "platform/tls/tls_context_state.hpp"

namespace meterbox::platform::tls {
namespace {

using core::Error;
using core::ErrorCode;
using core::Result;

constexpr std::uint32_t ticket_lifetime_s = 24 * 3600;

// AEAD with an ephemeral key and an ECDSA certificate; the first three are TLS 1.3's.
constexpr int cipher_suites[] = {
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
    MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
    MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
#endif
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    0};

Result<void> configure(TlsContext::State& state, int endpoint) {
    mbedtls_ssl_config* const config = state.config.get();
    const int status = mbedtls_ssl_config_defaults(config, endpoint, MBEDTLS_SSL_TRANSPORT_STREAM,
                                                   MBEDTLS_SSL_PRESET_DEFAULT);
    if (status != 0) return mbedtls_error(ErrorCode::internal, "TLS can't be set up", status);
    mbedtls_ssl_conf_rng(config, random_bytes, nullptr);
    mbedtls_ssl_conf_ciphersuites(config, cipher_suites);
    mbedtls_ssl_conf_cert_profile(config, &mbedtls_x509_crt_profile_next);
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    mbedtls_ssl_conf_min_tls_version(config, MBEDTLS_SSL_VERSION_TLS1_2);
#else
    mbedtls_ssl_conf_min_version(config, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
#endif
#if defined(MBEDTLS_SSL_RENEGOTIATION)
    mbedtls_ssl_conf_renegotiation(config, MBEDTLS_SSL_RENEGOTIATION_DISABLED);
#endif
#if defined(MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED)
    mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(
        config, MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
#endif
    return {};
}

Result<void> take_certificate(TlsContext::State& state, const std::string& certificate,
                              const std::string& key) {
    if (auto parsed = parse_chain(state.certificate, certificate); !parsed) return parsed.error();
    if (auto parsed = parse_private_key(state.key, key); !parsed) return parsed.error();
    if (const int status = check_pair(state.certificate->pk, *state.key.get()); status != 0)
        return mbedtls_error(ErrorCode::invalid, "the key doesn't belong to the certificate", status);
    const int status =
        mbedtls_ssl_conf_own_cert(state.config.get(), state.certificate.get(), state.key.get());
    if (status != 0) return mbedtls_error(ErrorCode::internal, "TLS can't be set up", status);
    state.has_certificate = true;
    return {};
}

Result<void> issue_tickets(TlsContext::State& state, ClientAuth client_auth) {
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    // A TLS 1.3 ticket forgets the client's certificate, by which every request is judged.
    if (client_auth != ClientAuth::none) mbedtls_ssl_conf_new_session_tickets(state.config.get(), 0);
#else
    static_cast<void>(client_auth);
#endif
    const int status = mbedtls_ssl_ticket_setup(state.tickets.get(), random_bytes, nullptr,
                                                MBEDTLS_CIPHER_AES_256_GCM, ticket_lifetime_s);
    if (status != 0) return mbedtls_error(ErrorCode::internal, "TLS session tickets can't be set up", status);
    mbedtls_ssl_conf_session_tickets_cb(state.config.get(), mbedtls_ssl_ticket_write,
                                        mbedtls_ssl_ticket_parse, state.tickets.get());
    return {};
}

int authentication_mode(ClientAuth client_auth) {
    switch (client_auth) {
        case ClientAuth::none:
            return MBEDTLS_SSL_VERIFY_NONE;
        case ClientAuth::optional:
            return MBEDTLS_SSL_VERIFY_OPTIONAL;
        case ClientAuth::required:
            break;
    }
    return MBEDTLS_SSL_VERIFY_REQUIRED;
}

}  // namespace

TlsContext::TlsContext() : state_(std::make_unique<State>()) {}
TlsContext::~TlsContext() = default;
bool TlsContext::is_server() const {
    return state_->is_server;
}

Result<std::shared_ptr<const TlsContext>> TlsContext::client(const ClientOptions& options) {
    start_crypto();
    std::shared_ptr<TlsContext> context(new TlsContext);
    State& state = *context->state_;
    if (options.trusted_pem.empty() && !options.trusted_fingerprint)
        return Error{ErrorCode::invalid, "no CA to trust is given", {}, {}};
    if (auto done = configure(state, MBEDTLS_SSL_IS_CLIENT); !done) return done.error();
    if (!options.trusted_pem.empty()) {
        if (auto parsed = parse_chain(state.trusted, options.trusted_pem); !parsed) return parsed.error();
    } else {
        state.trusted_fingerprint = options.trusted_fingerprint;
    }
    if (options.certificate_pem.empty() != options.key_pem.empty())
        return Error{ErrorCode::invalid, "a certificate needs its key, and a key its certificate", {}, {}};
    if (!options.certificate_pem.empty())
        if (auto taken = take_certificate(state, options.certificate_pem, options.key_pem); !taken)
            return taken.error();
    mbedtls_ssl_conf_ca_chain(state.config.get(), state.trusted.get(), nullptr);
    mbedtls_ssl_conf_authmode(state.config.get(), MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_session_tickets(state.config.get(), MBEDTLS_SSL_SESSION_TICKETS_ENABLED);
    state.judge_time = options.judge_time;
    state.cures = options.cures;
    return std::shared_ptr<const TlsContext>(std::move(context));
}

Result<std::shared_ptr<const TlsContext>> TlsContext::server(const ServerOptions& options) {
    start_crypto();
    std::shared_ptr<TlsContext> context(new TlsContext);
    State& state = *context->state_;
    state.is_server = true;
    if (auto done = configure(state, MBEDTLS_SSL_IS_SERVER); !done) return done.error();
    if (auto taken = take_certificate(state, options.certificate_pem, options.key_pem); !taken)
        return taken.error();
    if (options.client_auth != ClientAuth::none) {
        if (auto parsed = parse_chain(state.trusted, options.client_ca_pem); !parsed) return parsed.error();
        mbedtls_ssl_conf_ca_chain(state.config.get(), state.trusted.get(), nullptr);
    }
    mbedtls_ssl_conf_authmode(state.config.get(), authentication_mode(options.client_auth));
    state.certificate_required = options.client_auth == ClientAuth::required;
    if (auto done = issue_tickets(state, options.client_auth); !done) return done.error();
    state.judge_time = options.judge_time;
    return std::shared_ptr<const TlsContext>(std::move(context));
}

void SessionStore::keep(const std::string& server, const mbedtls_ssl_context& ssl) {
    auto session = std::make_unique<Session>();
    if (mbedtls_ssl_get_session(&ssl, session->get()) != 0) return;
    const std::lock_guard lock(mutex_);
    server_ = server;
    session_ = std::move(session);
}

void SessionStore::offer(const std::string& server, mbedtls_ssl_context& ssl) {
    const std::lock_guard lock(mutex_);
    if (session_ && server_ == server) mbedtls_ssl_set_session(&ssl, session_->get());
}

void SessionStore::forget(const std::string& server) {
    const std::lock_guard lock(mutex_);
    if (server_ == server) session_.reset();
}

}  // namespace meterbox::platform::tls
