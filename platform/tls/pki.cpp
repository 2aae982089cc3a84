#include "platform/tls/pki.hpp"

#include <mbedtls/asn1write.h>
#include <mbedtls/bignum.h>
#include <mbedtls/ecp.h>
#include <mbedtls/oid.h>
#include <mbedtls/platform_util.h>

#include <array>

#include "platform/tls/certificate_reading.hpp"
#include "platform/tls/mbedtls_support.hpp"

namespace meterbox::platform::tls {
namespace {

using core::Error;
using core::ErrorCode;
using core::Result;
using CertificateWriter =
    Owned<mbedtls_x509write_cert, mbedtls_x509write_crt_init, mbedtls_x509write_crt_free>;
using RequestWriter = Owned<mbedtls_x509write_csr, mbedtls_x509write_csr_init, mbedtls_x509write_csr_free>;

using PemBuffer = std::array<unsigned char, 8192>;
std::string text_of(const PemBuffer& buffer) {
    return reinterpret_cast<const char*>(buffer.data());
}

Error invalid(std::string detail) {
    return {ErrorCode::invalid, std::move(detail), {}, {}};
}

// Narrow on purpose: nothing that a distinguished name, a log line or a page would have to escape.
Result<void> check_subject_name(std::string_view what, std::string_view name) {
    constexpr std::string_view allowed =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 ._:@-";
    const bool fits = !name.empty() && name.size() <= 64 && name.front() != ' ' && name.back() != ' ' &&
                      name.find_first_not_of(allowed) == std::string_view::npos;
    if (!fits)
        return invalid("certificate's " + std::string(what) +
                       " must be 1 to 64 characters of A-Z a-z 0-9 space . _ : @ -");
    return {};
}

void prepend(std::string& to, unsigned char tag, std::string_view content) {
    std::array<unsigned char, 8> header{};
    unsigned char* at = header.data() + header.size();
    mbedtls_asn1_write_len(&at, header.data(), content.size());
    mbedtls_asn1_write_tag(&at, header.data(), tag);
    to.insert(0, content);
    to.insert(0, reinterpret_cast<const char*>(at),
              static_cast<std::size_t>(header.data() + header.size() - at));
}

std::string der(unsigned char tag, std::string_view content) {
    std::string encoded;
    prepend(encoded, tag, content);
    return encoded;
}

// 2.28 can't write subject alternative names, nor key purposes: made by hand here (RFC 5280, 4.2.1).
Result<std::string> subject_names_der(const std::vector<std::string>& names) {
    std::string content;
    for (const std::string& name : names) {
        const std::string address = ip_address_bytes(name);
        const bool dns_fits =
            !name.empty() && name.size() <= 253 &&
            name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_*") ==
                std::string::npos;
        if (address.empty() && !dns_fits)
            return invalid("\"" + name + "\" is neither a DNS name nor an IP address");
        content += address.empty() ? der(MBEDTLS_ASN1_CONTEXT_SPECIFIC | 2, name)
                                   : der(MBEDTLS_ASN1_CONTEXT_SPECIFIC | 7, address);
    }
    return der(MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE, content);
}

std::string purpose_der(CertificatePurpose purpose) {
    const std::string_view oid =
        purpose == CertificatePurpose::server
            ? std::string_view(MBEDTLS_OID_SERVER_AUTH, MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH))
            : std::string_view(MBEDTLS_OID_CLIENT_AUTH, MBEDTLS_OID_SIZE(MBEDTLS_OID_CLIENT_AUTH));
    return der(MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE, der(MBEDTLS_ASN1_OID, oid));
}

int set_extension(CertificateWriter& writer, std::string_view oid, std::string_view value) {
    return mbedtls_x509write_crt_set_extension(writer.get(), oid.data(), oid.size(), 0, raw(value),
                                               value.size());
}

int set_random_serial(CertificateWriter& writer) {
    std::array<unsigned char, 16> serial{};
    if (const int status = random_bytes(nullptr, serial.data(), serial.size()); status != 0) return status;
    serial[0] = static_cast<unsigned char>((serial[0] & 0x7f) | 0x40);  // positive, and always 16 bytes
#if MBEDTLS_VERSION_NUMBER >= 0x03040000
    return mbedtls_x509write_crt_set_serial_raw(writer.get(), serial.data(), serial.size());
#else
    Owned<mbedtls_mpi, mbedtls_mpi_init, mbedtls_mpi_free> number;
    const int status = mbedtls_mpi_read_binary(number.get(), serial.data(), serial.size());
    return status != 0 ? status : mbedtls_x509write_crt_set_serial(writer.get(), number.get());
#endif
}

// What the CA's own certificate and those under it have in common.
int begin_certificate(CertificateWriter& writer, core::UtcTime from, core::UtcTime to) {
    mbedtls_x509write_crt_set_version(writer.get(), MBEDTLS_X509_CRT_VERSION_3);
    mbedtls_x509write_crt_set_md_alg(writer.get(), MBEDTLS_MD_SHA256);
    if (const int status = set_random_serial(writer); status != 0) return status;
    return mbedtls_x509write_crt_set_validity(writer.get(), x509_time_text(from).c_str(),
                                              x509_time_text(to).c_str());
}

Result<std::string> finish_certificate(CertificateWriter& writer, int status) {
    PemBuffer pem{};
    if (status == 0) status = mbedtls_x509write_crt_set_subject_key_identifier(writer.get());
    if (status == 0) status = mbedtls_x509write_crt_set_authority_key_identifier(writer.get());
    if (status == 0)
        status = mbedtls_x509write_crt_pem(writer.get(), pem.data(), pem.size(), random_bytes, nullptr);
    if (status != 0) return mbedtls_error(ErrorCode::internal, "certificate can't be made", status);
    return text_of(pem);
}

Result<std::string> spki_fingerprint(mbedtls_pk_context* key) {
    std::array<unsigned char, 1024> buffer{};
    const int size = mbedtls_pk_write_pubkey_der(key, buffer.data(), buffer.size());
    if (size < 0) return mbedtls_error(ErrorCode::internal, "public key can't be written", size);
    const char* const end = reinterpret_cast<const char*>(buffer.data() + buffer.size());
    return hex_encode(bytes_of(sha256({end - size, static_cast<std::size_t>(size)})));
}

Result<void> check_request(CertificateRequest& request) {
    if (!is_p256(request->pk)) return invalid("certificate request's key must be on P-256");
    const mbedtls_md_type_t digest = request->MBEDTLS_PRIVATE(sig_md);
    if (digest != MBEDTLS_MD_SHA256 && digest != MBEDTLS_MD_SHA384 && digest != MBEDTLS_MD_SHA512)
        return invalid("certificate request must be signed over SHA-256, SHA-384 or SHA-512");
    std::array<unsigned char, MBEDTLS_MD_MAX_SIZE> hash{};
    const mbedtls_md_info_t* const md = mbedtls_md_info_from_type(digest);
    int status = mbedtls_md(md, request->cri.p, request->cri.len, hash.data());
    const mbedtls_asn1_buf& signature = request->MBEDTLS_PRIVATE(sig);
    if (status == 0 && request->MBEDTLS_PRIVATE(sig_pk) != MBEDTLS_PK_ECDSA)
        status = MBEDTLS_ERR_PK_TYPE_MISMATCH;
    if (status == 0)
        status = mbedtls_pk_verify(&request->pk, digest, hash.data(), mbedtls_md_get_size(md), signature.p,
                                   signature.len);
    if (status != 0)
        return mbedtls_error(ErrorCode::invalid, "certificate request isn't signed by its own key", status);
    return {};
}

Result<void> check_wish(const CertificateWish& wish) {
    if (auto name = check_subject_name("common name", wish.common_name); !name) return name.error();
    if (!wish.organization.empty())
        if (auto name = check_subject_name("organization", wish.organization); !name) return name.error();
    if (wish.purpose == CertificatePurpose::server && wish.names.empty())
        return invalid("a server's certificate needs at least one name");
    if (wish.valid_from.ms < 0 || wish.valid_to <= wish.valid_from || wish.valid_to.ms >= 253'402'300'800'000)
        return invalid("certificate's validity must end after it starts, in the years 1970 to 9999");
    return {};
}

}  // namespace

Result<std::string> generate_key() {
    start_crypto();
    PrivateKey key;
    PemBuffer pem{};
    int status = mbedtls_pk_setup(key.get(), mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY));
    if (status == 0)
        status =
            mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(*key.get()), random_bytes, nullptr);
    if (status == 0) status = mbedtls_pk_write_key_pem(key.get(), pem.data(), pem.size());
    std::string text = text_of(pem);
    mbedtls_platform_zeroize(pem.data(), pem.size());
    if (status != 0) return mbedtls_error(ErrorCode::internal, "key can't be made", status);
    return text;
}

Result<std::string> key_fingerprint(std::string_view key_pem) {
    PrivateKey key;
    if (auto parsed = parse_private_key(key, key_pem); !parsed) return parsed.error();
    return spki_fingerprint(key.get());
}

Result<std::string> make_certificate_request(std::string_view key_pem, std::string_view common_name) {
    if (auto name = check_subject_name("common name", common_name); !name) return name.error();
    PrivateKey key;
    if (auto parsed = parse_private_key(key, key_pem); !parsed) return parsed.error();
    RequestWriter writer;
    PemBuffer pem{};
    mbedtls_x509write_csr_set_md_alg(writer.get(), MBEDTLS_MD_SHA256);
    mbedtls_x509write_csr_set_key(writer.get(), key.get());
    int status =
        mbedtls_x509write_csr_set_subject_name(writer.get(), ("CN=" + std::string(common_name)).c_str());
    if (status == 0)
        status = mbedtls_x509write_csr_pem(writer.get(), pem.data(), pem.size(), random_bytes, nullptr);
    if (status != 0) return mbedtls_error(ErrorCode::internal, "certificate request can't be made", status);
    return text_of(pem);
}

Result<void> check_certificate_request(std::string_view request_pem) {
    CertificateRequest request;
    if (auto parsed = parse_request(request, request_pem); !parsed) return parsed.error();
    return check_request(request);
}

Result<std::string> request_key_fingerprint(std::string_view request_pem) {
    CertificateRequest request;
    if (auto parsed = parse_request(request, request_pem); !parsed) return parsed.error();
    return spki_fingerprint(&request->pk);
}

Result<std::string> make_ca(std::string_view key_pem, std::string_view common_name,
                            core::UtcTime valid_from) {
    if (auto name = check_subject_name("common name", common_name); !name) return name.error();
    PrivateKey key;
    if (auto parsed = parse_private_key(key, key_pem); !parsed) return parsed.error();
    CertificateWriter writer;
    const std::string subject = "CN=" + std::string(common_name);
    mbedtls_x509write_crt_set_subject_key(writer.get(), key.get());
    mbedtls_x509write_crt_set_issuer_key(writer.get(), key.get());
    int status = begin_certificate(writer, valid_from, valid_from + ca_lifetime_ms);
    if (status == 0) status = mbedtls_x509write_crt_set_subject_name(writer.get(), subject.c_str());
    if (status == 0) status = mbedtls_x509write_crt_set_issuer_name(writer.get(), subject.c_str());
    if (status == 0) status = mbedtls_x509write_crt_set_basic_constraints(writer.get(), 1, 0);
    if (status == 0)
        status = mbedtls_x509write_crt_set_key_usage(
            writer.get(), MBEDTLS_X509_KU_KEY_CERT_SIGN | MBEDTLS_X509_KU_CRL_SIGN);
    return finish_certificate(writer, status);
}

Result<std::string> issue_certificate(std::string_view ca_pem, std::string_view ca_key_pem,
                                      std::string_view request_pem, const CertificateWish& wish) {
    if (auto checked = check_wish(wish); !checked) return checked.error();
    CertificateChain ca;
    PrivateKey ca_key;
    CertificateRequest request;
    if (auto parsed = parse_chain(ca, ca_pem); !parsed) return parsed.error();
    if (auto parsed = parse_private_key(ca_key, ca_key_pem); !parsed) return parsed.error();
    if (auto parsed = parse_request(request, request_pem); !parsed) return parsed.error();
    if (auto checked = check_request(request); !checked) return checked.error();
    auto names = subject_names_der(wish.names);
    if (!names) return names.error();
    if (const int status = check_pair(ca->pk, *ca_key.get()); status != 0)
        return mbedtls_error(ErrorCode::invalid, "the CA's key doesn't belong to its certificate", status);
    std::array<char, 512> issuer{};
    if (const int size = mbedtls_x509_dn_gets(issuer.data(), issuer.size(), &ca->subject); size < 0)
        return mbedtls_error(ErrorCode::internal, "the CA's name can't be read", size);

    CertificateWriter writer;
    std::string subject = "CN=" + wish.common_name;
    if (!wish.organization.empty()) subject += ",O=" + wish.organization;
    mbedtls_x509write_crt_set_subject_key(writer.get(), &request->pk);
    mbedtls_x509write_crt_set_issuer_key(writer.get(), ca_key.get());
    int status = begin_certificate(writer, wish.valid_from, wish.valid_to);
    if (status == 0) status = mbedtls_x509write_crt_set_subject_name(writer.get(), subject.c_str());
    if (status == 0) status = mbedtls_x509write_crt_set_issuer_name(writer.get(), issuer.data());
    if (status == 0) status = mbedtls_x509write_crt_set_basic_constraints(writer.get(), 0, -1);
    if (status == 0)
        status = mbedtls_x509write_crt_set_key_usage(writer.get(), MBEDTLS_X509_KU_DIGITAL_SIGNATURE);
    if (status == 0)
        status = set_extension(writer, {MBEDTLS_OID_EXTENDED_KEY_USAGE, 3}, purpose_der(wish.purpose));
    if (status == 0 && !wish.names.empty())
        status = set_extension(writer, {MBEDTLS_OID_SUBJECT_ALT_NAME, 3}, *names);
    return finish_certificate(writer, status);
}

Result<KeyAndCertificate> issue_server_certificate(std::string_view ca_pem, std::string_view ca_key_pem,
                                                   std::vector<std::string> names, core::UtcTime valid_from,
                                                   core::UtcTime valid_to) {
    if (names.empty()) return invalid("a server's certificate needs at least one name");
    auto key = generate_key();
    if (!key) return key.error();
    const std::string common_name = names.front().substr(0, 64);
    auto request = make_certificate_request(*key, common_name);
    if (!request) return request.error();
    const CertificateWish wish{common_name, {},      std::move(names), CertificatePurpose::server,
                               valid_from,  valid_to};
    auto certificate = issue_certificate(ca_pem, ca_key_pem, *request, wish);
    if (!certificate) return certificate.error();
    return KeyAndCertificate{*key, *certificate + std::string(ca_pem)};
}

Result<Sha256> certificate_fingerprint(std::string_view pem) {
    CertificateChain chain;
    if (auto parsed = parse_chain(chain, pem); !parsed) return parsed.error();
    return sha256(view(chain->raw));
}

}  // namespace meterbox::platform::tls
