// From requests to jobs, and the cookie's text.
#include "account/sign_in_service.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "account/admin_access.hpp"
#include "core/account_limits.hpp"
#include "core/json_reader.hpp"
#include "core/limits.hpp"

namespace meterbox::account {

using core::Error;
using core::ErrorCode;
namespace http = platform::http;

namespace {

// __Host-: browsers take it over TLS alone, for this host alone.
constexpr std::string_view cookie_name = "__Host-meterbox";
constexpr std::string_view cookie_attributes = "; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=";

Error error_of(ErrorCode code, std::string detail) {
    return {code, std::move(detail), std::nullopt, {}};
}

// By what browsers say of themselves; what isn't a browser says neither.
bool is_cross_site(const http::Request& request) {
    const auto site = request.header("Sec-Fetch-Site");
    if (site && *site != "same-origin" && *site != "none") return true;
    const auto origin = request.header("Origin");
    return origin && *origin != "https://" + std::string(request.header("Host").value_or(""));
}

std::string address_of(const http::Request& request) {
    const std::string& address = request.peer().address;
    return address.substr(0, address.rfind(':'));
}

bool says_json(const http::Request& request) {
    std::string_view type = request.header("Content-Type").value_or("");
    type = type.substr(0, type.find(';'));
    while (type.ends_with(' ')) type.remove_suffix(1);
    return http::same_token(type, "application/json");
}

core::Result<std::string> token_of(std::string_view body) {
    const auto json = core::parse_json(body);
    if (!json) return json.error();
    core::ObjectReader reader(*json, "");
    std::string token = reader.string("token");
    if (reader.ok() && token.size() > core::limits::admin_token_bytes_max)
        reader.fail("token", "it is too long", ErrorCode::invalid);
    if (!reader.ok()) return reader.error();
    return token;
}

http::Response with_cookie(http::Response response, const std::string& value, std::int64_t max_age_s) {
    response.headers.emplace_back(
        "Set-Cookie",
        std::string(cookie_name) + "=" + value + std::string(cookie_attributes) + std::to_string(max_age_s));
    response.headers.emplace_back("Cache-Control", "no-store");
    return response;
}

http::Response signed_in(Store& store, const Access& access) {
    const SignedIn made = sign_in(store, access);
    boost::json::object json{{"team", nullptr},
                             {"expires_at", core::format_rfc3339(*made.access.expires_at)}};
    if (made.access.team) json["team"] = *made.access.team;
    http::Response response;
    response.body = boost::json::serialize(json);
    return with_cookie(std::move(response), made.cookie,
                       (*made.access.expires_at - store.now()) / core::second_ms);
}

http::Response refused(std::int64_t wait_ms) {
    const std::int64_t seconds = (wait_ms + core::second_ms - 1) / core::second_ms;
    http::Response response = http::problem(error_of(
        ErrorCode::too_many, "too many wrong tokens: try again in " + std::to_string(seconds) + " s"));
    std::erase_if(response.headers, [](const auto& header) { return header.first == "Retry-After"; });
    response.headers.emplace_back("Retry-After", std::to_string(seconds));
    return response;
}

}  // namespace

bool SignInService::handle(const http::Request& request, http::Responder& responder) {
    const bool in = request.path() == "/v1/sign-in";
    if (!in && request.path() != "/v1/sign-out") return false;
    if (request.method() != "POST") {
        responder.send(http::wrong_method(std::string(request.path()) + " takes POST", "POST"));
    } else if (is_cross_site(request)) {
        responder.send(error_of(ErrorCode::forbidden, "a page of another site can't do this"));
    } else if (in) {
        sign_in(request, std::move(responder));
    } else {
        sign_out(request, std::move(responder));
    }
    return true;
}

void SignInService::sign_in(const http::Request& request, http::Responder responder) {
    if (!says_json(request))
        return responder.send(error_of(ErrorCode::unsupported_media_type, "application/json is needed"));
    const auto token = token_of(request.body());
    if (!token) return responder.send(token.error());
    jobs_.submit(std::move(responder),
                 [this, address = address_of(request),
                  credential = bearer_credential(*token, operators_token_)](Store& store) {
                     const core::MonotonicTime now = store.monotonic_now();
                     if (const auto wait = limit_.wait_ms(address, now)) return refused(*wait);
                     const auto access = access_of(store, credential);
                     if (access) return signed_in(store, *access);
                     limit_.failed(address, now);
                     return http::problem(access.error());
                 });
}

void SignInService::sign_out(const http::Request& request, http::Responder responder) {
    const auto cookie = cookie_of(request);
    jobs_.submit(std::move(responder), [credential = cookie_credential(cookie.value_or(""))](Store& store) {
        account::sign_out(store, credential);
        http::Response response;
        response.status = 204;
        return with_cookie(std::move(response), "", 0);
    });
}

std::optional<std::string> SignInService::cookie_of(const http::Request& request) {
    for (const http::Field& field : request.headers()) {
        if (!http::same_token(field.name, "Cookie")) continue;
        std::string_view rest = field.value;
        while (!rest.empty()) {
            std::string_view pair = rest.substr(0, rest.find(';'));
            rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
            while (pair.starts_with(' ')) pair.remove_prefix(1);
            if (pair.starts_with(cookie_name) && pair.substr(cookie_name.size()).starts_with('='))
                return std::string(pair.substr(cookie_name.size() + 1));
        }
    }
    return std::nullopt;
}

}  // namespace meterbox::account
