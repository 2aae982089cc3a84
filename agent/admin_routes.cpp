#include "agent/admin_routes.hpp"

#include <algorithm>
#include <array>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/metrics.hpp"
#include "config/account_url.hpp"
#include "core/json_reader.hpp"
#include "core/limits.hpp"

namespace meterbox::agent {

namespace http = platform::http;
namespace json = boost::json;
namespace limits = core::limits;

namespace {

enum class Method { get, post };
struct Path {
    std::string_view name;
    Method method;
    bool needs_token;  // on loopback
    bool available;    // in this version
};
constexpr std::array<Path, 12> paths{{
    {"/healthz", Method::get, false, true},
    {"/readyz", Method::get, false, true},
    {"/status", Method::get, true, true},
    {"/metrics", Method::get, true, true},
    {"/usage", Method::get, true, false},
    {"/events", Method::get, true, false},
    {"/", Method::get, true, false},
    {"/v1/sync", Method::post, true, true},
    {"/v1/enroll", Method::post, true, true},
    {"/v1/verify", Method::post, true, true},
    {"/v1/retire", Method::post, true, true},
    {"/v1/open", Method::post, true, false},
}};

using Headers = std::vector<std::pair<std::string, std::string>>;

// Nobody keeps an answer, guesses its type, frames it or runs anything in it.
const Headers& safe_headers() {
    static const Headers headers{{"Cache-Control", "no-store"},
                                 {"X-Content-Type-Options", "nosniff"},
                                 {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
                                 {"X-Frame-Options", "DENY"},
                                 {"Cross-Origin-Resource-Policy", "same-origin"},
                                 {"Referrer-Policy", "no-referrer"}};
    return headers;
}

void answer(http::Responder& responder, http::Response response) {
    std::erase_if(response.headers, [](const auto& header) { return header.first == "Cache-Control"; });
    response.headers.insert(response.headers.end(), safe_headers().begin(), safe_headers().end());
    responder.send(response);
}

void answer_json(http::Responder& responder, const json::object& body) {
    answer(responder, {200, "application/json", json::serialize(body)});
}

void refuse(http::Responder& responder, const core::Error& error, Headers headers = {}) {
    http::Response response = http::problem(error);
    if (error.code == core::ErrorCode::unauthenticated) {
        response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"meterbox\"");
    }
    response.headers.insert(response.headers.end(), headers.begin(), headers.end());
    answer(responder, std::move(response));
}

core::Error error(core::ErrorCode code, std::string detail) {
    return {code, std::move(detail), {}, {}};
}

// A Responder moves, a std::function copies: the answer waits in shared hands.
std::shared_ptr<http::Responder> keep(http::Responder responder) {
    return std::make_shared<http::Responder>(std::move(responder));
}

core::Result<EnrollOrder> parse_order(std::string_view body) {
    const core::Result<json::value> document = core::parse_json(body);
    if (!document) return document.error();
    core::ObjectReader reader{*document, ""};
    EnrollOrder order;
    order.url = reader.string("url");
    order.token = reader.string("token");
    order.ca_pem = reader.optional_string("ca").value_or("");
    if (order.url.size() > limits::account_url_bytes_max || !config::parse_account_url(order.url)) {
        reader.fail("url", "must be https://HOST or https://HOST:PORT", core::ErrorCode::invalid);
    }
    if (order.token.empty() || order.token.size() > limits::enrollment_token_bytes_max) {
        reader.fail("token", "must be what `meterbox-account agent token` printed", core::ErrorCode::invalid);
    }
    if (!reader.ok()) return reader.error();
    return order;
}

}  // namespace

AdminRoutes::AdminRoutes(AgentView& view, AdminGuard guard) : view_(view), guard_(std::move(guard)) {}

core::Result<void> AdminRoutes::admit(const http::Request& request, bool needs_token) const {
    if (request.peer().uid) return {};  // through the Unix socket, whose mode has decided
    const core::Result<void> origin = guard_.check_origin(request);
    if (!origin || !needs_token) return origin;
    return guard_.check_token(request);
}

void AdminRoutes::handle(const http::Request& request, http::Responder responder) {
    const auto path = std::find_if(paths.begin(), paths.end(),
                                   [&request](const Path& p) { return p.name == request.raw_path(); });
    const bool known = path != paths.end();
    const core::Result<void> admitted = admit(request, !known || path->needs_token);
    if (!admitted) return refuse(responder, admitted.error());
    if (!known) {
        return refuse(responder,
                      error(core::ErrorCode::not_found, "no such path: " + std::string(request.raw_path())));
    }
    const std::string_view allowed = path->method == Method::get ? "GET" : "POST";
    if (request.method() != allowed) {
        const std::string methods = path->method == Method::get ? "GET, HEAD" : "POST";
        return refuse(responder, error(core::ErrorCode::method_not_allowed, "this path takes " + methods),
                      {{"Allow", methods}});
    }
    if (path->method == Method::post && !request.peer().uid) {
        return refuse(
            responder,
            error(core::ErrorCode::method_not_allowed, "nothing can be changed here; use the admin socket"),
            {{"Allow", ""}});
    }
    if (!path->available) {
        return refuse(responder, error(core::ErrorCode::not_available,
                                       std::string(path->name) + " is not part of this version"));
    }
    if (path->method == Method::post) return act(request, std::move(responder));
    read(path->name, std::move(responder));
}

void AdminRoutes::read(std::string_view path, http::Responder responder) const {
    if (path == "/healthz") return answer_json(responder, {{"status", "ok"}});
    if (path == "/readyz") return ready(std::move(responder));
    const StatusSnapshot status = view_.status();
    if (path == "/metrics") return answer(responder, {200, metrics_content_type, metrics_text(status)});
    answer(responder, {200, "application/json", status_json(status)});
}

void AdminRoutes::ready(http::Responder responder) const {
    std::string why_not;
    if (view_.ready(why_not)) return answer_json(responder, {{"status", "ready"}});
    const StatusSnapshot status = view_.status();
    if (status.journal.state == JournalState::fault)
        return refuse(responder, error(core::ErrorCode::storage, why_not));
    const bool enrolled = status.enrollment.state != EnrollmentState::none;
    refuse(responder,
           error(enrolled ? core::ErrorCode::unreachable : core::ErrorCode::not_enrolled, why_not));
}

void AdminRoutes::act(const http::Request& request, http::Responder responder) {
    if (request.raw_path() == "/v1/sync") return sync(std::move(responder));
    if (request.raw_path() == "/v1/verify") return verify(std::move(responder));
    if (request.raw_path() == "/v1/retire") return retire(std::move(responder));
    enroll(request, std::move(responder));
}

void AdminRoutes::retire(http::Responder responder) {
    view_.retire([waiting = keep(std::move(responder))](const core::Result<void>& done) {
        if (!done) return refuse(*waiting, done.error());
        answer_json(*waiting, {{"state", json::string_view(name_of(EnrollmentState::retired))}});
    });
}

void AdminRoutes::sync(http::Responder responder) {
    view_.sync_now([&view = view_, waiting = keep(std::move(responder))](const core::Result<void>& done) {
        if (!done) return refuse(*waiting, done.error());
        const std::optional<core::UtcTime> last = view.status().account.last_sync_at;
        answer_json(*waiting, {{"last_sync_at", last ? json::value(core::format_rfc3339(*last)) : nullptr}});
    });
}

void AdminRoutes::verify(http::Responder responder) {
    view_.verify([waiting = keep(std::move(responder))](const core::Result<ChainReport>& report) {
        if (!report) return refuse(*waiting, report.error());
        json::value broken;
        if (report->broken)
            broken = json::object{{"sequence", report->broken->sequence}, {"what", report->broken->what}};
        answer_json(*waiting,
                    {{"ok", !report->broken},
                     {"first", report->first},
                     {"links", report->links},
                     {"events", report->events},
                     {"head", json::object{{"sequence", report->head.sequence}, {"hash", report->head.hash}}},
                     {"broken", broken}});
    });
}

void AdminRoutes::enroll(const http::Request& request, http::Responder responder) {
    core::Result<EnrollOrder> order = parse_order(request.body());
    if (!order) return refuse(responder, order.error());
    view_.enroll(std::move(*order), [&view = view_, waiting = keep(std::move(responder))](
                                        const core::Result<std::string>& agent) {
        if (!agent) return refuse(*waiting, agent.error());
        const std::string team = view.status().agent.team;
        answer_json(*waiting,
                    {{"agent", *agent}, {"team", team.empty() ? json::value() : json::value(team)}});
    });
}

}  // namespace meterbox::agent
