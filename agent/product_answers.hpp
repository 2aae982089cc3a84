// What the answers of the products' socket have in common.
#pragma once

#include <memory>
#include <string>

#include "core/error.hpp"
#include "platform/http/server.hpp"

namespace meterbox::agent {

core::Error refusal(core::ErrorCode code, std::string detail, std::string pointer = {});
core::Error not_enrolled();
void refuse_method(platform::http::Responder& responder, const char* allowed);

// A Responder moves, a std::function copies: the answer waits in shared hands.
std::shared_ptr<platform::http::Responder> keep(platform::http::Responder responder);

}  // namespace meterbox::agent
