#include "platform/tls/tls_engine.hpp"

#include <mbedtls/ssl.h>

#include <algorithm>

#include "core/assert.hpp"
#include "core/limits.hpp"
#include "platform/tls/certificate_reading.hpp"
#include "platform/tls/tls_alert.hpp"
#include "platform/tls/tls_context_state.hpp"
#include "platform/tls/verification.hpp"
#include "platform/tls/wire_buffers.hpp"

namespace meterbox::platform::tls {
namespace {

#if MBEDTLS_VERSION_NUMBER >= 0x03000000
constexpr int bad_certificate = MBEDTLS_ERR_SSL_BAD_CERTIFICATE;
#else
constexpr int bad_certificate = MBEDTLS_ERR_SSL_BAD_HS_CERTIFICATE;
#endif

}  // namespace

using Answer = TlsEngine::Answer;

struct TlsEngine::Impl {
    Impl(std::shared_ptr<const TlsContext> shared, TlsPeer peer);

    Answer handshake();
    Answer read(std::span<std::byte> to, std::size_t& count);
    Answer write(std::span<const std::byte> from, std::size_t& count);
    Answer close();
    Answer handshake_done();
    Answer fail(int status);
    Answer fail_truncated();
    Answer refuse_certificate();
    void say_alert(int status);
    void keep_session();
    // A session is good for the name that was checked when it was made, and for no other.
    std::string server() const { return verification.peer().name + " at " + verification.peer().label; }

    static int send(void* self, const unsigned char* bytes, std::size_t count);
    static int receive(void* self, unsigned char* to, std::size_t count_max);

    std::shared_ptr<const TlsContext> context;
    Verification verification;
    Owned<mbedtls_ssl_context, mbedtls_ssl_init, mbedtls_ssl_free> ssl;
    InputBuffer input;
    OutputBuffer output;
    VerifyResult verify_result;
    std::string failure;
    std::optional<Answer> end;  // closed, truncated or failed: what every later call answers
    bool input_ended = false;
    bool handshake_over = false;
    bool full_handshake = false;
    bool close_said = false;
    bool alert_said = false;
    bool certificate_refused = false;
    bool peer_refused = false;
};

TlsEngine::Impl::Impl(std::shared_ptr<const TlsContext> shared, TlsPeer peer)
    : context(std::move(shared)), verification(context->state(), std::move(peer)) {
    TlsContext::State& state = context->state();
    const int status = mbedtls_ssl_setup(ssl.get(), state.config.get());
    METERBOX_ASSERT(status == 0);  // memory alone can fail here
    mbedtls_ssl_set_bio(ssl.get(), this, send, receive, nullptr);
    mbedtls_ssl_set_verify(ssl.get(), Verification::judge, &verification);
    if (context->is_server()) return;
    // Server name indication is for DNS names alone (RFC 6066); the certificate is checked by Verification.
    const std::string& name = verification.peer().name;
    const bool is_address = !ip_address_bytes(name).empty();
    if (mbedtls_ssl_set_hostname(ssl.get(), is_address ? nullptr : name.c_str()) != 0) {
        failure = "\"" + name + "\" can't be a server's name";
        end = Answer::failed;
        return;
    }
    state.sessions.offer(server(), *ssl.get());
}

int TlsEngine::Impl::send(void* self, const unsigned char* bytes, std::size_t count) {
    Impl& impl = *static_cast<Impl*>(self);
    if (impl.output.size() + count > core::limits::tls_output_bytes_max)
        return MBEDTLS_ERR_SSL_INTERNAL_ERROR;
    if (count > 0 && bytes[0] == MBEDTLS_SSL_MSG_ALERT) impl.alert_said = true;
    impl.output.add(bytes, count);
    return static_cast<int>(count);
}

int TlsEngine::Impl::receive(void* self, unsigned char* to, std::size_t count_max) {
    Impl& impl = *static_cast<Impl*>(self);
    if (!impl.input.empty()) return static_cast<int>(impl.input.take(to, count_max));
    return impl.input_ended ? 0 : MBEDTLS_ERR_SSL_WANT_READ;
}

Answer TlsEngine::Impl::handshake() {
    if (end) return *end;
    while (!handshake_over) {
        const int status = mbedtls_ssl_handshake_step(ssl.get());
        // A full handshake alone passes here; mbedTLS doesn't say afterwards which it was.
        if (ssl->MBEDTLS_PRIVATE(state) == MBEDTLS_SSL_SERVER_CERTIFICATE) full_handshake = true;
        if (status == MBEDTLS_ERR_SSL_WANT_READ || status == MBEDTLS_ERR_SSL_WANT_WRITE)
            return output.empty() ? Answer::want_read : Answer::want_write;
        if (status == MBEDTLS_ERR_SSL_CONN_EOF) return fail_truncated();
        if (status != 0) return fail(status);
        handshake_over = ssl->MBEDTLS_PRIVATE(state) == MBEDTLS_SSL_HANDSHAKE_OVER;
        if (handshake_over) return handshake_done();
    }
    return Answer::done;
}

Answer TlsEngine::Impl::handshake_done() {
    std::uint32_t flags = mbedtls_ssl_get_verify_result(ssl.get());
    const mbedtls_x509_crt* const certificate = mbedtls_ssl_get_peer_cert(ssl.get());
    if (!verification.certificate() && certificate != nullptr)
        flags = verification.judge_resumed(*certificate, flags);
    verify_result = verification.result(flags);
    if (context->is_server()) {
        const bool required = context->state().certificate_required;
        if (required && verify_result.verdict != VerifyResult::Verdict::valid) return refuse_certificate();
    } else {
        if (verification.certificate() && verify_result.verdict != VerifyResult::Verdict::valid)
            return refuse_certificate();
        keep_session();
    }
    return Answer::done;
}

// A resumed session whose certificate has expired since: the handshake itself had nothing against it.
Answer TlsEngine::Impl::refuse_certificate() {
    mbedtls_ssl_send_alert_message(ssl.get(), MBEDTLS_SSL_ALERT_LEVEL_FATAL,
                                   MBEDTLS_SSL_ALERT_MSG_CERT_EXPIRED);
    context->state().sessions.forget(server());
    failure = verify_result.reason;
    certificate_refused = true;
    end = Answer::failed;
    return *end;
}

void TlsEngine::Impl::keep_session() {
    context->state().sessions.keep(server(), *ssl.get());
}

Answer TlsEngine::Impl::fail_truncated() {
    failure = verification.peer().label + " closed the connection during the TLS handshake";
    end = Answer::truncated;
    return *end;
}

Answer TlsEngine::Impl::fail(int status) {
    const std::string& label = verification.peer().label;
    end = Answer::failed;
    if (!context->is_server()) context->state().sessions.forget(server());
    if (!handshake_over) verify_result = verification.result(mbedtls_ssl_get_verify_result(ssl.get()));
    certificate_refused = !handshake_over && !verify_result.reason.empty() &&
                          (status == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED || status == bad_certificate);
    if (status == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE) {
        const std::uint8_t alert = ssl->MBEDTLS_PRIVATE(in_msg)[1];
        peer_refused = true;
        failure = label +
                  (is_about_certificate(alert) ? " refused our certificate: " : " refused the connection: ") +
                  alert_text(alert);
        const bool perhaps_missing =
            is_about_certificate(alert) || alert == MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE;
        if (perhaps_missing && !context->is_server() && !context->state().has_certificate)
            failure += "; no certificate was shown to it";
    } else if (certificate_refused) {
        failure = verify_result.reason;
    } else if (status == MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE) {
        certificate_refused = true;
        failure = "client at " + label + " showed no certificate";
    } else {
        failure = "TLS with " + label + ": " + mbedtls_text(status);
    }
    if (!alert_said && !peer_refused) say_alert(status);
    return *end;
}

// mbedTLS says most alerts by itself, but not these; without one the peer would see a mere cut.
void TlsEngine::Impl::say_alert(int status) {
    const bool missing = status == MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE;
    mbedtls_ssl_send_alert_message(
        ssl.get(), MBEDTLS_SSL_ALERT_LEVEL_FATAL,
        missing ? MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE : MBEDTLS_SSL_ALERT_MSG_DECODE_ERROR);
}

Answer TlsEngine::Impl::read(std::span<std::byte> to, std::size_t& count) {
    count = 0;
    METERBOX_ASSERT(!to.empty());
    while (!end) {
        const int status =
            mbedtls_ssl_read(ssl.get(), reinterpret_cast<unsigned char*>(to.data()), to.size());
        if (status > 0) {
            count = static_cast<std::size_t>(status);
            return Answer::done;
        }
        if (status == MBEDTLS_ERR_SSL_WANT_READ || status == MBEDTLS_ERR_SSL_WANT_WRITE) {
            if (!alert_said || close_said) return Answer::want_read;
            // mbedTLS has only warned it; nobody who is well asks for that.
            failure = verification.peer().label + " asked for TLS renegotiation, which is off";
            end = Answer::failed;
        }
#if defined(MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET)
        if (status == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET) {
            keep_session();
            continue;
        }
#endif
        if (status == 0 || status == MBEDTLS_ERR_SSL_CONN_EOF) end = Answer::truncated;
        if (status == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) end = Answer::closed;
        if (!end) fail(status);
    }
    return *end;
}

Answer TlsEngine::Impl::write(std::span<const std::byte> from, std::size_t& count) {
    count = 0;
    if (end == Answer::failed || close_said) return Answer::failed;
    from = from.first(std::min(from.size(), core::limits::tls_write_bytes_max));
    output.reserve(from.size() + (from.size() / 16'384 + 1) * 64);
    while (count < from.size()) {
        const auto rest = from.subspan(count);
        const int status =
            mbedtls_ssl_write(ssl.get(), reinterpret_cast<const unsigned char*>(rest.data()), rest.size());
        if (status < 0) return fail(status);
        count += static_cast<std::size_t>(status);
    }
    return Answer::done;
}

Answer TlsEngine::Impl::close() {
    if (end == Answer::failed) return Answer::failed;
    if (close_said || !handshake_over) return Answer::done;
    close_said = true;
    const int status = mbedtls_ssl_close_notify(ssl.get());
    return status == 0 ? Answer::done : fail(status);
}

TlsEngine::TlsEngine(std::shared_ptr<const TlsContext> context, TlsPeer peer)
    : impl_(std::make_unique<Impl>(std::move(context), std::move(peer))) {}
TlsEngine::~TlsEngine() = default;
TlsEngine::TlsEngine(TlsEngine&&) noexcept = default;
TlsEngine& TlsEngine::operator=(TlsEngine&&) noexcept = default;

Answer TlsEngine::handshake() {
    return impl_->handshake();
}
Answer TlsEngine::read(std::span<std::byte> to, std::size_t& count) {
    return impl_->read(to, count);
}
Answer TlsEngine::write(std::span<const std::byte> from, std::size_t& count) {
    return impl_->write(from, count);
}
Answer TlsEngine::close() {
    return impl_->close();
}
std::span<std::byte> TlsEngine::input_space() {
    return impl_->input.space();
}
void TlsEngine::input_received(std::size_t count) {
    impl_->input.received(count);
}
void TlsEngine::input_ended() {
    impl_->input_ended = true;
}
std::span<const std::byte> TlsEngine::output() {
    return impl_->output.pending();
}
void TlsEngine::output_sent(std::size_t count) {
    impl_->output.sent(count);
}
bool TlsEngine::failed() const {
    return impl_->end == Answer::failed;
}
const std::string& TlsEngine::failure() const {
    return impl_->failure;
}
bool TlsEngine::certificate_was_refused() const {
    return impl_->certificate_refused;
}
bool TlsEngine::peer_refused() const {
    return impl_->peer_refused;
}
const std::optional<CertificateInfo>& TlsEngine::peer_certificate() const {
    return impl_->verification.certificate();
}
const VerifyResult& TlsEngine::verify_result() const {
    return impl_->verify_result;
}
bool TlsEngine::resumed() const {
    return impl_->handshake_over && !impl_->full_handshake;
}
std::string TlsEngine::protocol() const {
    return std::string(mbedtls_ssl_get_version(impl_->ssl.get())) + " " +
           mbedtls_ssl_get_ciphersuite(impl_->ssl.get());
}

}  // namespace meterbox::platform::tls
