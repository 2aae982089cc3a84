// TLS as a machine over memory: bytes off the wire go in, bytes for the wire come out, and each step
// answers what it waits for. It knows no socket, thread or coroutine; TlsStream puts it on one. One
// connection an engine; an engine is used by one thread at a time. Holds about 34 kB of mbedTLS's
// records while it lives (fixed when mbedTLS was built), and 2 kB of its own when idle.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "platform/tls/certificate.hpp"
#include "platform/tls/tls_context.hpp"

namespace meterbox::platform::tls {

// Who is at the other end.
struct TlsPeer {
    std::string name;   // for a client: the server's DNS name or IP address, which its certificate must hold
    std::string label;  // for messages: "account.example:9443"; with the name, whose session is kept
};

// What came of checking the peer's certificate.
struct VerifyResult {
    enum class Verdict {
        none,     // the peer showed no certificate
        valid,    //
        expired,  // expired, and nothing else is wrong with it
        refused,
    };
    Verdict verdict = Verdict::none;
    std::string reason;  // one line; empty for none and valid
};

class TlsEngine {
public:
    enum class Answer {
        done,
        want_read,   // put bytes in (input_space, input_received), then call again
        want_write,  // output() must reach the wire first, then call again
        closed,      // the peer closed in good order (close_notify)
        truncated,   // the wire ended without that
        failed,      // failure() says why; output() may hold an alert to be sent
    };

    TlsEngine(std::shared_ptr<const TlsContext> context, TlsPeer peer);
    ~TlsEngine();
    TlsEngine(TlsEngine&&) noexcept;
    TlsEngine& operator=(TlsEngine&&) noexcept;

    // done, want_read, want_write, truncated, failed. Once done, output() may still hold the last flight.
    Answer handshake();
    // done: count > 0 bytes were put into the buffer. Also want_read, closed, truncated, failed.
    Answer read(std::span<std::byte> to, std::size_t& count);
    // done: count bytes were taken, at most limits::tls_write_bytes_max, and are in output(). Or failed.
    Answer write(std::span<const std::byte> from, std::size_t& count);
    // Says close_notify, once. Nothing can be written afterwards.
    Answer close();

    // Where bytes off the wire go; all that was received before has been used up when want_read is answered.
    std::span<std::byte> input_space();
    void input_received(std::size_t count);
    void input_ended();

    // Bytes for the wire. The span stays valid, whatever else is called, until output_sent.
    std::span<const std::byte> output();
    void output_sent(std::size_t count);

    bool failed() const;
    // One line: who, what, why. Empty unless failed or truncated in the handshake.
    const std::string& failure() const;
    bool certificate_was_refused() const;  // why it failed: the peer's certificate
    bool peer_refused() const;             // why it failed: the peer sent an alert

    // After the handshake.
    const std::optional<CertificateInfo>& peer_certificate() const;
    const VerifyResult& verify_result() const;
    bool resumed() const;
    std::string protocol() const;  // "TLSv1.2 TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256"

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace meterbox::platform::tls
