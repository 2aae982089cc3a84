// What every file that speaks to mbedTLS needs: owners of its structs, its error texts as values,
// the kernel's random numbers, and the differences between 2.28 and 3.6 in one place. Internal to
// platform/tls: no header that others include includes this one.
#pragma once

#include <mbedtls/asn1.h>
#include <mbedtls/pk.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crt.h>
#include <mbedtls/x509_csr.h>

#include <string>
#include <string_view>

#include "core/error.hpp"
#include "core/time.hpp"

// 3.x marks members that may move; 2.28 has no such macro.
#ifndef MBEDTLS_PRIVATE
#define MBEDTLS_PRIVATE(member) member
#endif

namespace meterbox::platform::tls {

// Owns one mbedTLS struct: initialised when made, freed when left, never moved (it may point into itself).
template <class T, void (*init)(T*), void (*release)(T*)>
class Owned {
public:
    Owned() { init(&raw_); }
    ~Owned() { release(&raw_); }
    Owned(const Owned&) = delete;
    Owned& operator=(const Owned&) = delete;

    T* get() { return &raw_; }
    const T* get() const { return &raw_; }
    T* operator->() { return &raw_; }
    const T* operator->() const { return &raw_; }

private:
    T raw_;
};

using PrivateKey = Owned<mbedtls_pk_context, mbedtls_pk_init, mbedtls_pk_free>;
using CertificateChain = Owned<mbedtls_x509_crt, mbedtls_x509_crt_init, mbedtls_x509_crt_free>;
using CertificateRequest = Owned<mbedtls_x509_csr, mbedtls_x509_csr_init, mbedtls_x509_csr_free>;

// getrandom(2) as mbedTLS asks for it: no state, any thread, right across fork.
int random_bytes(void* unused, unsigned char* to, std::size_t size);

// Must have been called before anything with keys or TLS: 3.x has a PSA core to start. Any thread, any number
// of times.
void start_crypto();

std::string mbedtls_text(int status);
// "what: mbedTLS's own text"
core::Error mbedtls_error(core::ErrorCode code, std::string_view what, int status);

inline const unsigned char* raw(std::string_view bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());
}
inline std::string_view view(const mbedtls_asn1_buf& buffer) {
    return {reinterpret_cast<const char*>(buffer.p), buffer.len};
}

// Into an empty owner. Errors: malformed.
[[nodiscard]] core::Result<void> parse_private_key(PrivateKey& key, std::string_view pem);
[[nodiscard]] core::Result<void> parse_chain(CertificateChain& chain, std::string_view pem);
[[nodiscard]] core::Result<void> parse_request(CertificateRequest& request, std::string_view pem);

bool is_p256(const mbedtls_pk_context& key);
// 0: the private key belongs to the public one.
int check_pair(const mbedtls_pk_context& public_key, const mbedtls_pk_context& private_key);

core::UtcTime utc_of(const mbedtls_x509_time& time);
// "YYYYMMDDhhmmss", cut to the second; years 1970 to 9999.
std::string x509_time_text(core::UtcTime time);

}  // namespace meterbox::platform::tls
