#include <arpa/inet.h>
#include <mbedtls/oid.h>

#include <algorithm>
#include <array>
#include <functional>

#include "platform/tls/certificate_reading.hpp"
#include "platform/tls/encoding.hpp"

namespace meterbox::platform::tls {
namespace {

constexpr std::string_view pem_begin = "-----BEGIN CERTIFICATE-----";
constexpr std::string_view pem_end = "-----END CERTIFICATE-----";

// Tags of GeneralName (RFC 5280, 4.2.1.6).
constexpr unsigned char dns_name_tag = MBEDTLS_ASN1_CONTEXT_SPECIFIC | 2;
constexpr unsigned char ip_address_tag = MBEDTLS_ASN1_CONTEXT_SPECIFIC | 7;

std::string attribute(const mbedtls_x509_name& name, std::string_view oid) {
    for (const mbedtls_x509_name* part = &name; part != nullptr; part = part->next)
        if (view(part->oid) == oid) return std::string(view(part->val));
    return {};
}

std::string ip_text(std::string_view bytes) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int family = bytes.size() == 4 ? AF_INET : AF_INET6;
    if (bytes.size() != 4 && bytes.size() != 16) return {};
    ::inet_ntop(family, bytes.data(), text.data(), text.size());
    return text.data();
}

using NameVisitor = std::function<void(unsigned char tag, std::string_view value)>;

void visit_general_names(unsigned char* at, const unsigned char* end, const NameVisitor& visit) {
    std::size_t size = 0;
    if (mbedtls_asn1_get_tag(&at, end, &size, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE) != 0) return;
    while (at < end) {
        const unsigned char tag = *at++;
        if (mbedtls_asn1_get_len(&at, end, &size) != 0) return;
        visit(tag, {reinterpret_cast<const char*>(at), size});
        at += size;
    }
}

// From the raw extensions: what mbedTLS keeps of them differs between its versions.
void visit_subject_names(const mbedtls_x509_crt& certificate, const NameVisitor& visit) {
    constexpr int sequence = MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE;
    if (certificate.v3_ext.p == nullptr) return;
    unsigned char* at = certificate.v3_ext.p;
    const unsigned char* const end = at + certificate.v3_ext.len;
    std::size_t size = 0;
    if (mbedtls_asn1_get_tag(&at, end, &size, sequence) != 0) return;
    while (at < end) {
        if (mbedtls_asn1_get_tag(&at, end, &size, sequence) != 0) return;
        unsigned char* inner = at;
        at += size;
        if (mbedtls_asn1_get_tag(&inner, at, &size, MBEDTLS_ASN1_OID) != 0) return;
        const std::string_view oid{reinterpret_cast<const char*>(inner), size};
        inner += size;
        int critical = 0;
        mbedtls_asn1_get_bool(&inner, at, &critical);  // left out where false
        if (oid != MBEDTLS_OID_SUBJECT_ALT_NAME) continue;
        if (mbedtls_asn1_get_tag(&inner, at, &size, MBEDTLS_ASN1_OCTET_STRING) != 0) return;
        visit_general_names(inner, inner + size, visit);
    }
}

std::string lower(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return result;
}

bool dns_name_matches(std::string_view pattern, std::string_view name) {
    const std::string wanted = lower(name);
    const std::string offered = lower(pattern);
    if (offered.rfind("*.", 0) != 0) return offered == wanted;
    const std::size_t dot = wanted.find('.');
    const std::string_view parent = std::string_view(offered).substr(1);
    return dot != std::string::npos && dot > 0 && parent.find('.', 1) != std::string_view::npos &&
           std::string_view(wanted).substr(dot) == parent;
}

}  // namespace

CertificateInfo read_certificate(const mbedtls_x509_crt& certificate) {
    CertificateInfo info;
    info.common_name = attribute(certificate.subject, MBEDTLS_OID_AT_CN);
    info.organization = attribute(certificate.subject, MBEDTLS_OID_AT_ORGANIZATION);
    info.issuer = attribute(certificate.issuer, MBEDTLS_OID_AT_CN);
    info.serial = hex_encode(view(certificate.serial));
    info.not_before = utc_of(certificate.valid_from);
    info.not_after = utc_of(certificate.valid_to);
    info.fingerprint = hex_encode(bytes_of(sha256(view(certificate.raw))));
    info.key_fingerprint = hex_encode(bytes_of(sha256(view(certificate.pk_raw))));
    info.is_ca = certificate.MBEDTLS_PRIVATE(ca_istrue) != 0;
    visit_subject_names(certificate, [&info](unsigned char tag, std::string_view value) {
        if (tag == dns_name_tag) info.subject_names.emplace_back(value);
        if (tag == ip_address_tag) info.subject_names.push_back(ip_text(value));
    });
    return info;
}

bool speaks_for(const mbedtls_x509_crt& certificate, std::string_view name) {
    const std::string address = ip_address_bytes(name);
    bool found = false;
    visit_subject_names(certificate, [&](unsigned char tag, std::string_view value) {
        if (tag == ip_address_tag && !address.empty() && value == address) found = true;
        if (tag == dns_name_tag && address.empty() && dns_name_matches(value, name)) found = true;
    });
    return found;
}

std::string ip_address_bytes(std::string_view name) {
    const std::string text(name);
    std::array<char, 16> bytes{};
    if (::inet_pton(AF_INET, text.c_str(), bytes.data()) == 1) return {bytes.data(), 4};
    if (::inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1) return {bytes.data(), 16};
    return {};
}

core::Result<CertificateInfo> certificate_info(std::string_view pem) {
    CertificateChain chain;
    if (auto parsed = parse_chain(chain, pem); !parsed) return parsed.error();
    return read_certificate(*chain.get());
}

core::Result<std::vector<std::string>> split_chain(std::string_view pem) {
    std::vector<std::string> certificates;
    std::size_t at = 0;
    while (true) {
        const std::size_t begin = pem.find(pem_begin, at);
        if (begin == std::string_view::npos) break;
        const std::size_t end = pem.find(pem_end, begin);
        if (end == std::string_view::npos) break;
        at = end + pem_end.size();
        std::string one(pem.substr(begin, at - begin));
        one += '\n';
        CertificateChain parsed;
        if (auto status = parse_chain(parsed, one); !status) return status.error();
        certificates.push_back(std::move(one));
    }
    if (certificates.empty())
        return core::Error{core::ErrorCode::malformed, "no certificate in this PEM text", {}, {}};
    return certificates;
}

}  // namespace meterbox::platform::tls
