// The HTTP server over TLS: the same conversations, after a handshake that must end within
// Limits::request_timeout_ms. Whether a client without a valid certificate may go on is said by the
// context (ClientAuth); what is known of its certificate is in Request::peer().
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "core/error.hpp"
#include "platform/http/server.hpp"
#include "platform/tls/tls_context.hpp"
#include "platform/tls/tls_engine.hpp"

namespace meterbox::platform::http {

// A handshake that failed: with whom (host:port), and why, in one line.
using HandshakeFailure = std::function<void(const std::string& address, const std::string& why)>;

// Asked once for each connection, so that a changed certificate is shown to whoever comes next.
using ContextSource = std::function<std::shared_ptr<const tls::TlsContext>()>;

// host, port: as Server::listen_tcp.
[[nodiscard]] core::Result<void> listen_tls(Server& server, const std::string& host, std::uint16_t port,
                                            ContextSource context, HandshakeFailure on_failure = {});

// What came of checking the client's certificate; null if the peer isn't connected over TLS.
const tls::VerifyResult* verify_result_of(const Peer& peer);
// What it says; null if there is none.
const tls::CertificateInfo* certificate_of(const Peer& peer);

}  // namespace meterbox::platform::http
