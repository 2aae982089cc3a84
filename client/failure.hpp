// How a command ends other than well: its exit code (contract: Programs) and one line for stderr.
#pragma once

#include <boost/system/result.hpp>
#include <string>
#include <utility>

#include "core/error.hpp"
#include "platform/http/unix_client.hpp"

namespace meterbox::client {

inline constexpr int exit_done = 0;
inline constexpr int exit_failed = 1;
inline constexpr int exit_usage = 2;
inline constexpr int exit_unreachable = 3;       // the daemon, or by its word the account
inline constexpr int exit_exhausted = 4;         // refused or stopped for lack of balance
inline constexpr int exit_not_executable = 126;  // as env(1) and timeout(1) have it
inline constexpr int exit_not_found = 127;
inline constexpr int exit_signal_base = 128;

struct Failure {
    Failure() = default;
    Failure(int code, std::string line) : exit_code(code), message(std::move(line)) {}

    int exit_code = exit_failed;
    std::string message;       // one line, without the program's name
    bool may_be_done = false;  // what was asked for: it was sent, and no answer came
};

template <class T>
using Outcome = boost::system::result<T, Failure>;

// No answer came: nobody listens, or what answers is no daemon.
Failure failure_of(const core::Error& error);
// An answer came, and it is a problem (RFC 9457).
Failure failure_of(const platform::http::ClientResponse& response);

}  // namespace meterbox::client
