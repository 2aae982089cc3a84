#include "account/admin_answers.hpp"

#include <boost/json.hpp>

#include "account/commands.hpp"

namespace meterbox::account {

namespace http = platform::http;
using core::ErrorCode;

http::Response json_answer(const boost::json::object& json) {
    return text_answer("application/json", boost::json::serialize(json));
}

http::Response text_answer(std::string_view content_type, std::string text) {
    http::Response response;
    response.content_type = content_type;
    response.body = std::move(text);
    response.headers.emplace_back("Cache-Control", "no-store");
    return response;
}

http::Response refused(ErrorCode code, std::string detail) {
    return http::problem({code, std::move(detail), std::nullopt, {}});
}

http::Response unauthenticated(const core::Error& error) {
    http::Response response = http::problem(error);
    response.headers.emplace_back("WWW-Authenticate", "Bearer");
    return response;
}

std::optional<http::Response> refusal(Store& store, const Credential& credential, const std::string& team) {
    const auto access = access_of(store, credential);
    if (!access) return unauthenticated(access.error());
    if (!access->covers(team)) return refused(ErrorCode::forbidden, "the token is for another team");
    if (!team_exists(store, team)) return refused(ErrorCode::not_found, "no team " + team);
    return std::nullopt;
}

}  // namespace meterbox::account
