// What answers of the admin port have in common: who may have them, and their form.
#pragma once

#include <boost/json/fwd.hpp>
#include <optional>
#include <string>

#include "account/admin_access.hpp"
#include "platform/http/response.hpp"

namespace meterbox::account {

platform::http::Response json_answer(const boost::json::object& json);
platform::http::Response text_answer(std::string_view content_type, std::string text);  // a literal
platform::http::Response refused(core::ErrorCode code, std::string detail);
platform::http::Response unauthenticated(const core::Error& error);

// Why who has the credential may not read this team, which has to be there; none: he may.
std::optional<platform::http::Response> refusal(Store& store, const Credential& credential,
                                                const std::string& team);

}  // namespace meterbox::account
