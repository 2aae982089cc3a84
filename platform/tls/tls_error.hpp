// How a TLS stream ends other than in good order, as Asio's operations report it. The words that an
// operator needs are in TlsStream::failure().
#pragma once

#include <boost/system/error_code.hpp>
#include <type_traits>

namespace meterbox::platform::tls {

enum class TlsError {
    stream_truncated = 1,  // the wire ended without close_notify: what came may not be all
    certificate_refused,   // by us: the peer's
    peer_refused,          // the peer sent a fatal alert
    failed,                // anything else: no common version or suite, a broken record
};

const boost::system::error_category& tls_category() noexcept;

inline boost::system::error_code make_error_code(TlsError error) noexcept {
    return {static_cast<int>(error), tls_category()};
}

}  // namespace meterbox::platform::tls

template <>
struct boost::system::is_error_code_enum<meterbox::platform::tls::TlsError> : std::true_type {};
