// What all TLS connections of one kind have in common: whom to trust, own certificate and key, the
// time to judge by, and what is needed to resume sessions. TLS 1.2 (1.3 with mbedTLS 3.6), ECDHE-ECDSA
// with AEAD alone, no renegotiation. Immutable and shared; a changed certificate is a new context. Any
// thread, if judge_time may be called there. Opens no file: PEM text in.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/error.hpp"
#include "core/time.hpp"
#include "platform/tls/encoding.hpp"

namespace meterbox::platform::tls {

// The time at which certificates are judged. Asked once a connection.
struct TimeJudgement {
    core::UtcTime now;
    bool let_not_yet_valid_pass = false;  // while no time is trusted (protocol, Clocks)
};
using JudgeTime = std::function<TimeJudgement()>;  // empty: the wall clock

// What an operator can do about a certificate that is refused: said after what is wrong with it. Empty:
// nothing is said.
struct Cures {
    std::string untrusted;   // its CA isn't trusted here
    std::string other_name;  // it is for other names
    std::string expired;
};

struct ClientOptions {
    // The server's chain must end at one of these CAs (PEM) ...
    std::string trusted_pem;
    // ... or, at enrollment, where no CA is known yet, hold the CA whose DER has this SHA-256.
    std::optional<Sha256> trusted_fingerprint;
    // Own certificate (PEM, with what is between it and the CA) and its key; both or neither.
    std::string certificate_pem;
    std::string key_pem;
    JudgeTime judge_time;
    Cures cures = {};  // of the server's certificate
};

enum class ClientAuth {
    none,      // clients aren't asked for a certificate
    optional,  // asked; the application looks at the verify result of each
    required,  // a handshake without a valid certificate fails
};

struct ServerOptions {
    std::string certificate_pem;  // the server's, then its CA, which enrolling agents match
    std::string key_pem;
    std::string client_ca_pem;  // needed unless client_auth is none
    ClientAuth client_auth = ClientAuth::optional;
    JudgeTime judge_time;
};

class TlsContext {
public:
    // Errors: malformed (PEM), invalid (key and certificate don't fit together, nothing to trust).
    [[nodiscard]] static core::Result<std::shared_ptr<const TlsContext>> client(const ClientOptions& options);
    [[nodiscard]] static core::Result<std::shared_ptr<const TlsContext>> server(const ServerOptions& options);

    ~TlsContext();
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;

    bool is_server() const;

    struct State;  // mbedTLS's, for TlsEngine alone
    State& state() const { return *state_; }

private:
    TlsContext();
    std::unique_ptr<State> state_;
};

}  // namespace meterbox::platform::tls
