// Routes, tokens.
#include "account/admin_service.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <optional>

#include "account/admin_answers.hpp"
#include "account/commands.hpp"
#include "account/metrics_service.hpp"
#include "account/page_files.hpp"
#include "account/usage_service.hpp"

namespace meterbox::account {

using core::Error;
using core::ErrorCode;
namespace http = platform::http;

namespace {

constexpr std::string_view teams_path = "/v1/teams";
constexpr std::string_view teams_prefix = "/v1/teams/";

Error error_of(ErrorCode code, std::string detail) {
    return {code, std::move(detail), std::nullopt, {}};
}

// None: there is no such token. The scheme is the same in capitals and without.
std::optional<std::string_view> bearer_token(const http::Request& request) {
    constexpr std::string_view bearer = "Bearer ";
    const auto authorization = request.header("Authorization").value_or("");
    if (!http::same_token(authorization.substr(0, bearer.size()), bearer)) return std::nullopt;
    return authorization.substr(
        std::min(authorization.find_first_not_of(' ', bearer.size()), authorization.size()));
}

struct Question {
    Credential credential;
    std::string team;  // empty: which teams there are
    std::string what;
};

http::Response answer(Store& store, const Question& question) {
    if (question.team.empty()) {
        const auto access = access_of(store, question.credential);
        return access ? json_answer(teams_json(store, access->team)) : unauthenticated(access.error());
    }
    if (auto refused_answer = refusal(store, question.credential, question.team)) return *refused_answer;
    if (question.what == "cards") {
        const auto cards = cards_json(store, question.team);
        return cards ? json_answer(*cards) : http::problem(cards.error());
    }
    if (question.what == "invoices") {
        const auto invoices = invoices_json(store, question.team);
        return invoices ? json_answer(*invoices) : http::problem(invoices.error());
    }
    return json_answer(agents_json(store, question.team));
}

}  // namespace

void AdminService::handle(const http::Request& request, http::Responder responder) {
    const std::string_view path = request.path();
    if (sign_in_.handle(request, responder)) return;
    if (request.method() != "GET") {
        return responder.send(http::wrong_method("the admin port only reads: GET", "GET, HEAD"));
    }
    if (const auto page = page_response(request)) return responder.send(*page);
    if (path == "/healthz") return responder.send(200, "text/plain", "ok\n");
    // Ready is who has a store that can be written to. One whose database is gone ends here, if nobody else
    // asks.
    if (path == "/readyz")
        return jobs_.submit(std::move(responder), [](Store&) {
            return http::Response{200, "text/plain", "ok\n"};
        });
    const auto token = bearer_token(request);
    const auto cookie = SignInService::cookie_of(request);
    if (!token && !cookie) {
        return responder.send(unauthenticated(error_of(
            ErrorCode::unauthenticated, "a bearer token is needed (see admin.token), or to be signed in")));
    }
    Question question;
    question.credential = token ? bearer_credential(*token, token_) : cookie_credential(*cookie);

    const std::string_view rest = path.starts_with(teams_prefix) ? path.substr(teams_prefix.size()) : "";
    const auto slash = rest.find('/');
    if (path == "/metrics") return answer_metrics(jobs_, question.credential, request, std::move(responder));
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
    if (question.what == "usage")
        return answer_usage(jobs_, question.credential, question.team, request, std::move(responder));
    if (const auto problem = request.query_problem({}))
        return responder.send(error_of(ErrorCode::invalid, *problem));
    jobs_.submit(std::move(responder), [question](Store& store) { return answer(store, question); });
}

}  // namespace meterbox::account
