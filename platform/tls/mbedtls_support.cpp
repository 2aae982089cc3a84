#include "platform/tls/mbedtls_support.hpp"

#include <mbedtls/ecp.h>
#include <mbedtls/error.h>
#include <sys/random.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>

#include "core/assert.hpp"
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
#include <psa/crypto.h>
#endif

namespace meterbox::platform::tls {

int random_bytes(void*, unsigned char* to, std::size_t size) {
    while (size > 0) {
        const ssize_t got = ::getrandom(to, size, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return MBEDTLS_ERR_PK_BAD_INPUT_DATA;
        to += got;
        size -= static_cast<std::size_t>(got);
    }
    return 0;
}

void start_crypto() {
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    static const psa_status_t status = psa_crypto_init();
    METERBOX_ASSERT(status == PSA_SUCCESS);
#endif
}

std::string mbedtls_text(int status) {
    std::array<char, 160> text{};
    mbedtls_strerror(status, text.data(), text.size());
    return text.data();
}

core::Error mbedtls_error(core::ErrorCode code, std::string_view what, int status) {
    return {code, std::string(what) + ": " + mbedtls_text(status), {}, {}};
}

namespace {
// mbedTLS takes DER as well, and of PEM what stands before the first zero: the same bytes must not be one
// certificate to mbedTLS and another to whoever looks for PEM.
bool is_text(std::string_view pem) {
    return pem.find('\0') == std::string_view::npos;
}
core::Error not_text(std::string_view what) {
    return {core::ErrorCode::malformed, std::string(what) + " isn't readable PEM: it isn't text", {}, {}};
}
}  // namespace

core::Result<void> parse_private_key(PrivateKey& key, std::string_view pem) {
    start_crypto();
    const std::string text(pem);
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    const int status =
        mbedtls_pk_parse_key(key.get(), raw(text), text.size() + 1, nullptr, 0, random_bytes, nullptr);
#else
    const int status = mbedtls_pk_parse_key(key.get(), raw(text), text.size() + 1, nullptr, 0);
#endif
    if (status != 0)
        return mbedtls_error(core::ErrorCode::malformed, "private key isn't readable PEM", status);
    return {};
}

core::Result<void> parse_chain(CertificateChain& chain, std::string_view pem) {
    start_crypto();
    if (!is_text(pem)) return not_text("certificate");
    const std::string text(pem);
    const int status = mbedtls_x509_crt_parse(chain.get(), raw(text), text.size() + 1);
    if (status < 0)
        return mbedtls_error(core::ErrorCode::malformed, "certificate isn't readable PEM", status);
    if (status > 0) {
        const std::string count = std::to_string(status);
        return core::Error{core::ErrorCode::malformed,
                           "certificate isn't readable PEM: " + count + " in it can't be parsed",
                           {},
                           {}};
    }
    return {};
}

core::Result<void> parse_request(CertificateRequest& request, std::string_view pem) {
    start_crypto();
    if (!is_text(pem)) return not_text("certificate request");
    const std::string text(pem);
    const int status = mbedtls_x509_csr_parse(request.get(), raw(text), text.size() + 1);
    if (status != 0)
        return mbedtls_error(core::ErrorCode::malformed, "certificate request isn't readable PEM", status);
    return {};
}

bool is_p256(const mbedtls_pk_context& key) {
    if (mbedtls_pk_can_do(&key, MBEDTLS_PK_ECKEY) == 0) return false;
#if MBEDTLS_VERSION_NUMBER >= 0x03060000
    return mbedtls_ecp_keypair_get_group_id(mbedtls_pk_ec(key)) == MBEDTLS_ECP_DP_SECP256R1;
#else
    return mbedtls_pk_ec(key)->MBEDTLS_PRIVATE(grp).id == MBEDTLS_ECP_DP_SECP256R1;
#endif
}

int check_pair(const mbedtls_pk_context& public_key, const mbedtls_pk_context& private_key) {
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    return mbedtls_pk_check_pair(&public_key, &private_key, random_bytes, nullptr);
#else
    return mbedtls_pk_check_pair(&public_key, &private_key);
#endif
}

core::UtcTime utc_of(const mbedtls_x509_time& time) {
    using namespace std::chrono;
    const auto day = sys_days{year{time.year} / time.mon / time.day};
    const auto since_epoch =
        day.time_since_epoch() + hours{time.hour} + minutes{time.min} + seconds{time.sec};
    return {duration_cast<milliseconds>(since_epoch).count()};
}

std::string x509_time_text(core::UtcTime time) {
    using namespace std::chrono;
    METERBOX_ASSERT(time.ms >= 0 && time.ms < 253'402'300'800'000);
    const auto second = floor<seconds>(sys_time<milliseconds>{milliseconds{time.ms}});
    const auto day = floor<days>(second);
    const year_month_day date{day};
    const hh_mm_ss clock{second - day};
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%04d%02u%02u%02d%02d%02d", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                  static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                  static_cast<int>(clock.seconds().count()));
    return text.data();
}

}  // namespace meterbox::platform::tls
