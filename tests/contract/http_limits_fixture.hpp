// What tests of the HTTP server's limits share: a handler that answers how long a body was, and how a refusal
// looks.
#pragma once

#include "tests/contract/http_fixture.hpp"

namespace meterbox::tests {

inline void answer_size(const http::Request& request, http::Responder responder) {
    responder.send(200, "text/plain", std::to_string(request.body().size()));
}

inline void check_problem(const HttpAnswer& answer, int status, const std::string& name) {
    CHECK(answer.status == status);
    CHECK(answer.has("Content-Type: application/problem+json\r\n"));
    CHECK(answer.body.find("\"urn:meterbox:error:" + name + "\"") != std::string::npos);
}

}  // namespace meterbox::tests
