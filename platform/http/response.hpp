// An answer as a value. The server adds Content-Length and Connection; everything else is said here.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.hpp"

namespace meterbox::platform::http {

struct Response {
    int status = 200;
    std::string_view content_type = "application/json";  // a literal: it is not copied
    std::string body = {};                               // empty: no Content-Type is sent
    std::vector<std::pair<std::string, std::string>> headers = {};
};

// application/problem+json (RFC 9457), not to be kept, with Retry-After where trying again can help (429,
// 503).
Response problem(const core::Error& error);
// 405 with Allow (RFC 9110, 15.5.6): "GET, HEAD".
Response wrong_method(std::string detail, std::string_view allowed);

}  // namespace meterbox::platform::http
