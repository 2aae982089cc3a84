#include "agent/product_answers.hpp"

#include <utility>

namespace meterbox::agent {

namespace http = platform::http;

core::Error refusal(core::ErrorCode code, std::string detail, std::string pointer) {
    return {code, std::move(detail), {}, std::move(pointer)};
}

core::Error not_enrolled() {
    return refusal(core::ErrorCode::not_enrolled,
                   "this agent belongs to no account yet; run: meterbox enroll URL --token T");
}

void refuse_method(http::Responder& responder, const char* allowed) {
    responder.send(http::wrong_method("this path takes " + std::string(allowed), allowed));
}

std::shared_ptr<http::Responder> keep(http::Responder responder) {
    return std::make_shared<http::Responder>(std::move(responder));
}

}  // namespace meterbox::agent
