#include "platform/tls/verification.hpp"

#include <chrono>

#include "platform/tls/certificate_reading.hpp"

namespace meterbox::platform::tls {
namespace {

constexpr std::uint32_t time_flags = MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE;
constexpr std::uint32_t use_flags =
    MBEDTLS_X509_BADCERT_KEY_USAGE | MBEDTLS_X509_BADCERT_EXT_KEY_USAGE | MBEDTLS_X509_BADCERT_NS_CERT_TYPE;
constexpr std::uint32_t weak_flags =
    MBEDTLS_X509_BADCERT_BAD_MD | MBEDTLS_X509_BADCERT_BAD_PK | MBEDTLS_X509_BADCERT_BAD_KEY;

TimeJudgement wall_clock() {
    using namespace std::chrono;
    return {{duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count()}, false};
}

std::string joined(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
    return text.empty() ? "no name" : text;
}

}  // namespace

Verification::Verification(const TlsContext::State& context, TlsPeer peer)
    : context_(&context),
      peer_(std::move(peer)),
      time_(context.judge_time ? context.judge_time() : wall_clock()) {}

int Verification::judge(void* self, mbedtls_x509_crt* certificate, int depth, std::uint32_t* flags) {
    Verification& verification = *static_cast<Verification*>(self);
    const TlsContext::State& context = *verification.context_;
    const CertificateInfo info = read_certificate(*certificate);
    const bool is_leaf = depth == 0;
    verification.judge_validity(info, is_leaf, *flags);
    if (context.trusted_fingerprint) {
        if (info.is_ca && sha256(view(certificate->raw)) == *context.trusted_fingerprint) {
            *flags &= ~static_cast<std::uint32_t>(MBEDTLS_X509_BADCERT_NOT_TRUSTED);
            verification.fingerprint_seen_ = true;
        }
        if (is_leaf && !verification.fingerprint_seen_) *flags |= MBEDTLS_X509_BADCERT_NOT_TRUSTED;
    }
    if (!is_leaf) return 0;
    verification.self_signed_ = view(certificate->issuer_raw) == view(certificate->subject_raw);
    if (!context.is_server) {
        *flags &= ~static_cast<std::uint32_t>(MBEDTLS_X509_BADCERT_CN_MISMATCH);
        if (!speaks_for(*certificate, verification.peer_.name)) *flags |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
    }
    verification.certificate_ = info;
    return 0;
}

std::uint32_t Verification::judge_resumed(const mbedtls_x509_crt& certificate, std::uint32_t flags) {
    certificate_ = read_certificate(certificate);
    self_signed_ = view(certificate.issuer_raw) == view(certificate.subject_raw);
    judge_validity(*certificate_, true, flags);
    return flags;
}

void Verification::judge_validity(const CertificateInfo& info, bool is_leaf, std::uint32_t& flags) {
    const std::string whose = is_leaf ? "" : "its CA \"" + info.common_name + "\" ";
    flags &= ~time_flags;
    if (time_.now.ms >= info.not_after.ms + core::second_ms) {  // not_after's second is still valid
        flags |= MBEDTLS_X509_BADCERT_EXPIRED;
        expired_ = whose + "expired on " + core::format_rfc3339(info.not_after);
    }
    if (time_.now < info.not_before && !time_.let_not_yet_valid_pass) {
        flags |= MBEDTLS_X509_BADCERT_FUTURE;
        not_yet_ = whose + "isn't valid before " + core::format_rfc3339(info.not_before);
    }
}

std::string Verification::subject() const {
    if (!context_->is_server) return "certificate of " + peer_.label;
    std::string text = "certificate of client";
    if (certificate_ && !certificate_->common_name.empty()) text += " \"" + certificate_->common_name + "\"";
    if (!peer_.label.empty()) text += " at " + peer_.label;
    return text;
}

std::string Verification::problems(std::uint32_t flags) const {
    std::string text;
    const auto say = [&text](const std::string& problem) { text += (text.empty() ? " " : ", ") + problem; };
    const std::string issuer = certificate_ ? certificate_->issuer : "";
    if ((flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) != 0) {
        if (context_->trusted_fingerprint)
            say("doesn't come with the CA that has the expected fingerprint");
        else
            say(self_signed_ ? "is self-signed and not trusted here"
                             : "is signed by \"" + issuer + "\", which isn't a CA trusted here");
    }
    if ((flags & MBEDTLS_X509_BADCERT_CN_MISMATCH) != 0)
        say("is for " + joined(certificate_ ? certificate_->subject_names : std::vector<std::string>{}) +
            ", not for \"" + peer_.name + "\"");
    if ((flags & MBEDTLS_X509_BADCERT_EXPIRED) != 0) say(expired_);
    if ((flags & MBEDTLS_X509_BADCERT_FUTURE) != 0) say(not_yet_);
    if ((flags & use_flags) != 0)
        say(context_->is_server ? "isn't meant for clients" : "isn't meant for servers");
    if ((flags & weak_flags) != 0) say("has a key or signature too weak to be taken");
    if (text.empty()) text = " is refused (mbedTLS flags " + std::to_string(flags) + ")";
    return text + cure(flags);
}

// Of the first thing that is wrong: the rest may be gone with it.
std::string Verification::cure(std::uint32_t flags) const {
    const Cures& cures = context_->cures;
    std::string text;
    if ((flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) != 0)
        text = cures.untrusted;
    else if ((flags & MBEDTLS_X509_BADCERT_CN_MISMATCH) != 0)
        text = cures.other_name;
    else if ((flags & MBEDTLS_X509_BADCERT_EXPIRED) != 0)
        text = cures.expired;
    return text.empty() ? text : "; " + text;
}

VerifyResult Verification::result(std::uint32_t flags) const {
    using Verdict = VerifyResult::Verdict;
    if (!certificate_) return {};
    if (flags == 0) return {Verdict::valid, ""};
    const bool only_expired = flags == MBEDTLS_X509_BADCERT_EXPIRED;
    return {only_expired ? Verdict::expired : Verdict::refused, subject() + problems(flags)};
}

}  // namespace meterbox::platform::tls
