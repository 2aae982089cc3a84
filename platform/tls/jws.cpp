#include "platform/tls/jws.hpp"

#include <mbedtls/ecdsa.h>
#include <mbedtls/ecp.h>

#include <array>
#include <boost/json.hpp>

#include "core/json_reader.hpp"
#include "core/limits.hpp"
#include "platform/tls/encoding.hpp"
#include "platform/tls/mbedtls_support.hpp"

namespace meterbox::platform::tls {
namespace {

using core::Error;
using core::ErrorCode;
using core::Result;
using Number = Owned<mbedtls_mpi, mbedtls_mpi_init, mbedtls_mpi_free>;
using Point = Owned<mbedtls_ecp_point, mbedtls_ecp_point_init, mbedtls_ecp_point_free>;
using Group = Owned<mbedtls_ecp_group, mbedtls_ecp_group_init, mbedtls_ecp_group_free>;

constexpr std::size_t number_size = 32;
constexpr std::size_t signature_size = 2 * number_size;

Error malformed(std::string detail) {
    return {ErrorCode::malformed, "signed token: " + std::move(detail), {}, {}};
}
Error refused(std::string detail) {
    return {ErrorCode::forbidden, "signed token refused: " + std::move(detail), {}, {}};
}

Result<void> parse_signing_key(PrivateKey& key, std::string_view pem) {
    if (auto parsed = parse_private_key(key, pem); !parsed) return parsed.error();
    if (!is_p256(*key.get())) return Error{ErrorCode::invalid, "signing key must be on P-256", {}, {}};
    return {};
}

Result<std::string> signature_of(PrivateKey& key, std::string_view input) {
    const Sha256 hash = sha256(input);
    mbedtls_ecp_keypair* const pair = mbedtls_pk_ec(*key.get());
    Number r;
    Number s;
    std::array<unsigned char, signature_size> signature{};
    int status =
        mbedtls_ecdsa_sign_det_ext(&pair->MBEDTLS_PRIVATE(grp), r.get(), s.get(), &pair->MBEDTLS_PRIVATE(d),
                                   hash.data(), hash.size(), MBEDTLS_MD_SHA256, random_bytes, nullptr);
    if (status == 0) status = mbedtls_mpi_write_binary(r.get(), signature.data(), number_size);
    if (status == 0) status = mbedtls_mpi_write_binary(s.get(), signature.data() + number_size, number_size);
    if (status != 0) return mbedtls_error(ErrorCode::internal, "token can't be signed", status);
    return std::string(reinterpret_cast<const char*>(signature.data()), signature.size());
}

// The kid, if the header asks for what is done here and for nothing more.
Result<std::string> kid_of(std::string_view encoded_header) {
    const auto text = base64url_decode(encoded_header);
    if (!text) return malformed("header isn't base64url");
    const auto header = core::parse_json(*text);
    if (!header) return malformed("header: " + header.error().detail);
    const boost::json::object* const members = header->if_object();
    if (members == nullptr) return malformed("header isn't a JSON object");
    if (members->contains("crit")) return refused("it asks for extensions (crit)");
    if (members->contains("b64")) return refused("it asks for another encoding (b64)");
    const boost::json::value* const algorithm = members->if_contains("alg");
    if (algorithm == nullptr || !algorithm->is_string() || algorithm->get_string() != "ES256")
        return refused("algorithm isn't ES256");
    const boost::json::value* const kid = members->if_contains("kid");
    if (kid == nullptr || !kid->is_string()) return refused("it names no key (kid)");
    return std::string(kid->get_string());
}

}  // namespace

bool signature_fits(const VerificationKey& key, std::string_view input, std::string_view signature) {
    if (signature.size() != signature_size) return false;
    const auto x = base64url_decode(key.x);
    const auto y = base64url_decode(key.y);
    if (!x || !y || x->size() != number_size || y->size() != number_size) return false;
    const std::string encoded = '\x04' + *x + *y;  // SEC 1, uncompressed
    const Sha256 hash = sha256(input);
    Group group;
    Point point;
    Number r;
    Number s;
    return mbedtls_ecp_group_load(group.get(), MBEDTLS_ECP_DP_SECP256R1) == 0 &&
           mbedtls_ecp_point_read_binary(group.get(), point.get(), raw(encoded), encoded.size()) == 0 &&
           mbedtls_ecp_check_pubkey(group.get(), point.get()) == 0 &&
           mbedtls_mpi_read_binary(r.get(), raw(signature), number_size) == 0 &&
           mbedtls_mpi_read_binary(s.get(), raw(signature) + number_size, number_size) == 0 &&
           mbedtls_ecdsa_verify(group.get(), hash.data(), hash.size(), point.get(), r.get(), s.get()) == 0;
}

Result<VerificationKey> verification_key(std::string_view key_pem, std::string_view kid) {
    PrivateKey key;
    if (auto parsed = parse_signing_key(key, key_pem); !parsed) return parsed.error();
    mbedtls_ecp_keypair* const pair = mbedtls_pk_ec(*key.get());
    std::array<unsigned char, 1 + 2 * number_size> point{};
    std::size_t size = 0;
    const int status =
        mbedtls_ecp_point_write_binary(&pair->MBEDTLS_PRIVATE(grp), &pair->MBEDTLS_PRIVATE(Q),
                                       MBEDTLS_ECP_PF_UNCOMPRESSED, &size, point.data(), point.size());
    if (status != 0) return mbedtls_error(ErrorCode::internal, "public key can't be written", status);
    const std::string_view bytes(reinterpret_cast<const char*>(point.data()), size);
    return VerificationKey{std::string(kid), base64url_encode(bytes.substr(1, number_size)),
                           base64url_encode(bytes.substr(1 + number_size))};
}

std::string thumbprint(const VerificationKey& key) {
    return base64url_encode(
        bytes_of(sha256(R"({"crv":"P-256","kty":"EC","x":")" + key.x + R"(","y":")" + key.y + R"("})")));
}

struct JwsSigner::Key {
    PrivateKey parsed;
};

Result<JwsSigner> JwsSigner::with(std::string_view key_pem, std::string_view kid) {
    auto key = std::make_shared<Key>();
    if (auto parsed = parse_signing_key(key->parsed, key_pem); !parsed) return parsed.error();
    const boost::json::object header{{"alg", "ES256"}, {"kid", kid}};
    return JwsSigner(std::move(key), base64url_encode(boost::json::serialize(header)));
}

Result<std::string> JwsSigner::sign(std::string_view payload) const {
    std::string input = header_ + '.' + base64url_encode(payload);
    auto signature = signature_of(key_->parsed, input);
    if (!signature) return signature.error();
    return input + '.' + base64url_encode(*signature);
}

Result<std::string> sign_jws(std::string_view key_pem, std::string_view kid, std::string_view payload) {
    const auto signer = JwsSigner::with(key_pem, kid);
    if (!signer) return signer.error();
    return signer->sign(payload);
}

Result<std::string> verify_jws(std::string_view compact, std::span<const VerificationKey> known) {
    if (compact.size() > core::limits::lease_bytes_max) return malformed("longer than any lease");
    const std::size_t first = compact.find('.');
    const std::size_t second = first == std::string_view::npos ? first : compact.find('.', first + 1);
    if (second == std::string_view::npos || compact.find('.', second + 1) != std::string_view::npos)
        return malformed("not three parts with dots between");
    const auto kid = kid_of(compact.substr(0, first));
    if (!kid) return kid.error();
    auto payload = base64url_decode(compact.substr(first + 1, second - first - 1));
    const auto signature = base64url_decode(compact.substr(second + 1));
    if (!payload || !signature) return malformed("payload or signature isn't base64url");
    if (signature->size() != signature_size) return malformed("signature isn't 64 bytes");
    bool key_known = false;
    for (const VerificationKey& key : known) {
        if (key.kid != *kid) continue;
        key_known = true;
        if (signature_fits(key, compact.substr(0, second), *signature)) return *std::move(payload);
    }
    return refused(key_known ? "its signature is wrong" : "its key \"" + *kid + "\" isn't known");
}

}  // namespace meterbox::platform::tls
