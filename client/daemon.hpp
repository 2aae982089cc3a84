// One question to the running daemon, one answer: what every command but `run` is made of.
#pragma once

#include <boost/json/value.hpp>
#include <chrono>
#include <string>

#include "client/failure.hpp"
#include "core/limits.hpp"

namespace meterbox::client {

// What all commands are told.
struct Options {
    std::string admin_socket = "/run/meterbox/admin.sock";
    std::string products_socket = "/run/meterbox/products.sock";
    bool json = false;
};

struct Answer {
    std::string body;
    boost::json::value json;  // null when the body is empty
};

inline constexpr std::chrono::milliseconds usual_timeout{core::limits::client_answer_ms};

// Any answer but 2xx is a Failure, and so is a body that is not JSON.
[[nodiscard]] Outcome<Answer> ask_daemon(const std::string& socket,
                                         const platform::http::ClientRequest& request,
                                         std::chrono::milliseconds timeout = usual_timeout);

// GET of a path.
[[nodiscard]] Outcome<Answer> ask_daemon(const std::string& socket, const std::string& path);

}  // namespace meterbox::client
