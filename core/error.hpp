// Outcomes that are not success, as values. One table says for each its name (which is also its
// problem type, urn:meterbox:error:NAME, RFC 9457), its HTTP status, its title, and whether trying again can
// help. Everything that speaks of errors reads that table; docs/API.md is checked against it.
#pragma once

#include <boost/system/result.hpp>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace meterbox::core {

enum class ErrorCode {
    malformed,               // 400 not HTTP, not JSON, duplicate keys, not a CloudEvent
    unauthenticated,         // 401
    exhausted,               // 402 refused for lack of balance
    forbidden,               // 403
    not_found,               // 404
    method_not_allowed,      // 405
    conflict,                // 409
    too_large,               // 413 body, batch
    headers_too_large,       // 431, name too-large as well
    unsupported_media_type,  // 415
    invalid,                 // 422
    too_many,                // 429
    not_enrolled,            // 503
    storage,                 // 503 nothing was taken
    unreachable,             // 503
    not_available,           // 501 part of the design, not of this version
    internal,                // 500 a fault of the daemon's own
};

struct ErrorTraits {
    ErrorCode code;
    std::string_view name;
    int http_status;
    bool retryable;
    std::string_view title;
};
const ErrorTraits& traits(ErrorCode code);

struct Error {
    ErrorCode code = ErrorCode::internal;
    std::string detail;                // one line: what is wrong, where, what to do
    std::optional<std::size_t> index;  // of the event in a batch
    std::string pointer;               // JSON Pointer (RFC 6901) into the body, or empty
};

template <class T>
using Result = boost::system::result<T, Error>;

// boost::system::result asks this when value() is called on an error: a bug, never a way of control.
[[noreturn]] void throw_exception_from_error(const Error& error, const boost::source_location& where);

// The application/problem+json body of an error (RFC 9457).
std::string problem_json(const Error& error);

}  // namespace meterbox::core
