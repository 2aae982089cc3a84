// Routes, tokens.
#include "account/admin_service.hpp"

#include <boost/json.hpp>

#include "account/admin_access.hpp"
#include "account/commands.hpp"
#include "account/page_files.hpp"
#include "account/usage.hpp"

namespace meterbox::account {

using core::Error;
using core::ErrorCode;
namespace http = platform::http;

namespace {

constexpr std::string_view teams_path = "/v1/teams";
constexpr std::string_view teams_prefix = "/v1/teams/";
constexpr std::string_view bearer = "Bearer ";

Error error_of(ErrorCode code, std::string detail) {
    return {code, std::move(detail), std::nullopt, {}};
}

http::Response json_response(const boost::json::object& json) {
    http::Response response;
    response.body = boost::json::serialize(json);
    response.headers.emplace_back("Cache-Control", "no-store");
    return response;
}

struct Question {
    Credential credential;
    std::string team;  // empty: which teams there are
    std::string what;
    std::string from;
    std::string to;
    std::string by;
};

http::Response unauthenticated(const Error& error) {
    http::Response response = http::problem(error);
    response.headers.emplace_back("WWW-Authenticate", "Bearer");
    return response;
}

http::Response answer_usage(Store& store, const Question& question) {
    const auto by = period_from(question.by.empty() ? "day" : question.by);
    const auto from = question.from.empty() ? start_of_period(store.now(), Period::month)
                                            : parse_time(question.from, "UTC");
    const auto to = question.to.empty() ? store.now() + 1 : parse_time(question.to, "UTC");
    if (!by) return http::problem(error_of(ErrorCode::invalid, "by: hour, day or month"));
    if (!from || !to) {
        return http::problem(
            error_of(ErrorCode::invalid, "from, to: a date, or a time like 2026-07-15T00:00:00Z"));
    }
    return json_response(usage_to_json(team_usage(store.database(), question.team, *from, *to, *by)));
}

http::Response answer(Store& store, const Question& question) {
    const auto access = access_of(store, question.credential);
    if (!access) return unauthenticated(access.error());
    if (question.team.empty()) return json_response(teams_json(store, access->team));
    if (!access->covers(question.team))
        return http::problem(error_of(ErrorCode::forbidden, "the token is for another team"));
    if (!team_exists(store, question.team)) {
        return http::problem(error_of(ErrorCode::not_found, "no team " + question.team));
    }
    if (question.what == "cards") {
        const auto cards = cards_json(store, question.team);
        return cards ? json_response(*cards) : http::problem(cards.error());
    }
    if (question.what == "invoices") {
        const auto invoices = invoices_json(store, question.team);
        return invoices ? json_response(*invoices) : http::problem(invoices.error());
    }
    if (question.what == "agents") return json_response(agents_json(store, question.team));
    return answer_usage(store, question);
}

}  // namespace

void AdminService::handle(const http::Request& request, http::Responder responder) {
    const std::string_view path = request.path();
    if (sign_in_.handle(request, responder)) return;
    if (request.method() != "GET") {
        return responder.send(error_of(ErrorCode::method_not_allowed, "the admin port only reads: GET"));
    }
    if (const auto page = page_response(request)) return responder.send(*page);
    if (path == "/healthz" || path == "/readyz") return responder.send(200, "text/plain", "ok\n");
    const auto authorization = request.header("Authorization").value_or("");
    const auto cookie = SignInService::cookie_of(request);
    if (!authorization.starts_with(bearer) && !cookie) {
        return responder.send(unauthenticated(error_of(
            ErrorCode::unauthenticated, "a bearer token is needed (see admin.token), or to be signed in")));
    }
    Question question;
    question.credential = authorization.starts_with(bearer)
                              ? bearer_credential(authorization.substr(bearer.size()), token_)
                              : cookie_credential(*cookie);

    const std::string_view rest = path.starts_with(teams_prefix) ? path.substr(teams_prefix.size()) : "";
    const auto slash = rest.find('/');
    if (path == "/metrics") {
        return responder.send(
            error_of(ErrorCode::not_available, std::string(path) + " is not available in this version"));
    }
    if (path != teams_path && (slash == std::string_view::npos || slash == 0)) {
        return responder.send(error_of(ErrorCode::not_found, "no such path: " + std::string(path)));
    }
    if (path != teams_path) {
        question.team = rest.substr(0, slash);
        question.what = rest.substr(slash + 1);
    }
    if (path != teams_path && question.what != "cards" && question.what != "usage" &&
        question.what != "agents" && question.what != "invoices") {
        return responder.send(error_of(ErrorCode::not_found, "no such path: " + std::string(path)));
    }
    question.from = request.query("from").value_or("");
    question.to = request.query("to").value_or("");
    question.by = request.query("by").value_or("");
    jobs_.submit(std::move(responder), [question](Store& store) { return answer(store, question); });
}

}  // namespace meterbox::account
