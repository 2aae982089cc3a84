// Routes, tokens.
#include "account/admin_service.hpp"

#include <boost/json.hpp>

#include "account/commands.hpp"
#include "account/usage.hpp"
#include "platform/tls/encoding.hpp"

namespace meterbox::account {

using core::Error;
using core::ErrorCode;
namespace http = platform::http;
namespace tls = platform::tls;

namespace {

constexpr std::string_view teams_prefix = "/v1/teams/";
constexpr std::string_view bearer = "Bearer ";

Error error_of(ErrorCode code, std::string detail) {
    return {code, std::move(detail), std::nullopt, {}};
}

http::Response json_response(const boost::json::object& json) {
    http::Response response;
    response.body = boost::json::serialize(json);
    return response;
}

// The same time whatever differs.
bool same_secret(std::string_view a, std::string_view b) {
    const auto hash_a = tls::sha256(a);
    const auto hash_b = tls::sha256(b);
    unsigned differing = 0;
    for (std::size_t i = 0; i < hash_a.size(); ++i) differing |= static_cast<unsigned>(hash_a[i] ^ hash_b[i]);
    return differing == 0;
}

struct Question {
    std::string token;
    bool any_team = false;  // the token of admin.token
    std::string team;
    std::string what;
    std::string from;
    std::string to;
    std::string by;
};

// Looked up by its hash, so that nothing of a secret is compared.
std::optional<Error> refusal(Store& store, const Question& question) {
    if (question.any_team) return std::nullopt;
    const std::string hash = tls::hex_encode(tls::bytes_of(tls::sha256(question.token)));
    constexpr const char* count =
        "SELECT count(*) FROM admin_token WHERE token_hash = ? AND expires_at > ? AND "
        "(team IS NULL OR team = coalesce(?, team))";
    if (store.database().number(count, hash, store.now(), question.team) != 0) return std::nullopt;
    if (store.database().number(count, hash, store.now(), nullptr) == 0)
        return error_of(ErrorCode::unauthenticated, "the bearer token is unknown or expired");
    return error_of(ErrorCode::forbidden, "the bearer token is for another team");
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
    if (const auto refused = refusal(store, question)) return http::problem(*refused);
    if (!team_exists(store, question.team)) {
        return http::problem(error_of(ErrorCode::not_found, "no team " + question.team));
    }
    if (question.what == "cards") {
        const auto cards = cards_json(store, question.team);
        return cards ? json_response(*cards) : http::problem(cards.error());
    }
    if (question.what == "agents") return json_response(agents_json(store, question.team));
    return answer_usage(store, question);
}

}  // namespace

void AdminService::handle(const http::Request& request, http::Responder responder) {
    const std::string_view path = request.path();
    if (request.method() != "GET") {
        return responder.send(error_of(ErrorCode::method_not_allowed, "the admin port only reads: GET"));
    }
    if (path == "/healthz" || path == "/readyz") return responder.send(200, "text/plain", "ok\n");
    const auto authorization = request.header("Authorization").value_or("");
    if (!authorization.starts_with(bearer)) {
        http::Response response =
            http::problem(error_of(ErrorCode::unauthenticated, "a bearer token is needed: see admin.token"));
        response.headers.emplace_back("WWW-Authenticate", "Bearer");
        return responder.send(response);
    }
    Question question;
    question.token = authorization.substr(bearer.size());
    question.any_team = same_secret(question.token, token_);

    const std::string_view rest = path.starts_with(teams_prefix) ? path.substr(teams_prefix.size()) : "";
    const auto slash = rest.find('/');
    if (path == "/" || path == "/metrics") {
        return responder.send(
            error_of(ErrorCode::not_available, std::string(path) + " is not available in this version"));
    }
    if (slash == std::string_view::npos) {
        return responder.send(error_of(ErrorCode::not_found, "no such path: " + std::string(path)));
    }
    question.team = rest.substr(0, slash);
    question.what = rest.substr(slash + 1);
    if (question.what == "invoices" || question.what == "metrics") {
        return responder.send(
            error_of(ErrorCode::not_available, question.what + " are not available in this version"));
    }
    if (question.what != "cards" && question.what != "usage" && question.what != "agents") {
        return responder.send(error_of(ErrorCode::not_found, "no such path: " + std::string(path)));
    }
    question.from = request.query("from").value_or("");
    question.to = request.query("to").value_or("");
    question.by = request.query("by").value_or("");
    jobs_.submit(std::move(responder), [question](Store& store) { return answer(store, question); });
}

}  // namespace meterbox::account
