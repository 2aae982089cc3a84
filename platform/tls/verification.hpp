// Judging the peer's certificate within one handshake: mbedTLS finds the chain and checks signatures
// and key uses; the time to judge by, the name (IP addresses as well) and the trusted fingerprint are
// checked here, and what is wrong is put into words. Internal to platform/tls.
#pragma once

#include <mbedtls/ssl.h>

#include <cstdint>
#include <optional>
#include <string>

#include "platform/tls/tls_context_state.hpp"
#include "platform/tls/tls_engine.hpp"

namespace meterbox::platform::tls {

class Verification {
public:
    Verification(const TlsContext::State& context, TlsPeer peer);

    // mbedTLS's verify callback (self is the Verification): for each certificate, the CA first.
    static int judge(void* self, mbedtls_x509_crt* certificate, int depth, std::uint32_t* flags);

    // A resumed session brings its certificate and the flags of its first handshake: time has passed since.
    std::uint32_t judge_resumed(const mbedtls_x509_crt& certificate, std::uint32_t flags);

    // What came of it; flags as mbedTLS has them at the handshake's end (after its check of key uses).
    VerifyResult result(std::uint32_t flags) const;
    const std::optional<CertificateInfo>& certificate() const { return certificate_; }
    const TlsPeer& peer() const { return peer_; }

private:
    void judge_validity(const CertificateInfo& info, bool is_leaf, std::uint32_t& flags);
    std::string subject() const;
    std::string problems(std::uint32_t flags) const;
    std::string cure(std::uint32_t flags) const;

    const TlsContext::State* context_;
    TlsPeer peer_;
    TimeJudgement time_;
    bool fingerprint_seen_ = false;
    bool self_signed_ = false;
    std::string expired_;  // "expired on ...", "its CA expired on ..."
    std::string not_yet_;
    std::optional<CertificateInfo> certificate_;
};

}  // namespace meterbox::platform::tls
