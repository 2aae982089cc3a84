// The products' sessions, as their socket has them: opened, shown, kept alive, ended (docs/API.md).
#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "agent/product_access.hpp"
#include "agent/product_answers.hpp"
#include "agent/product_routes.hpp"
#include "core/json_reader.hpp"
#include "core/limits.hpp"
#include "core/text.hpp"

namespace meterbox::agent {

namespace http = platform::http;

namespace {

// How long a session that ends ran, where its product says so: {"ran_ms": 9000}.
core::Result<std::optional<core::Amount>> ran_from(std::string_view body) {
    if (body.empty()) return std::optional<core::Amount>{};
    const auto json = core::parse_json(body);
    if (!json) return json.error();
    core::ObjectReader reader(*json, "");
    std::optional<core::Amount> ran;
    if (const auto ms = reader.optional_integer("ran_ms", 0, core::limits::amount_max))
        ran = core::Amount{*ms};
    if (reader.ok()) return ran;
    return refusal(core::ErrorCode::invalid, "ran_ms: milliseconds, a whole number", "/ran_ms");
}

// What doesn't say its type may be JSON, and what says another may be all the same: curl -d does.
bool may_be_json(const http::Request& request) {
    const auto content_type = request.header("content-type");
    return !content_type || content_type->find("json") != std::string_view::npos;
}

}  // namespace

// A 402 says, beside the problem itself, of which resource, why, and what is left.
void ProductRoutes::refuse(http::Responder& responder, const core::Error& refused,
                           const std::string& resource) {
    ++refused_;
    if (refused.code != core::ErrorCode::exhausted) return responder.send(refused);
    const core::Standing standing = sessions_.standing(resource);
    const Balance* balance = balances_.find(resource);
    boost::json::object json = core::parse_json(core::problem_json(refused))->as_object();
    json["resource"] = resource;
    json["reason"] = standing.reason.empty() ? "exhausted" : standing.reason;
    json["available_units"] = standing.available_units.value();
    json["refreshes_at"] = nullptr;
    if (balance != nullptr && balance->supply.team && balance->supply.team->refreshes_at)
        json["refreshes_at"] = core::format_rfc3339(*balance->supply.team->refreshes_at);
    responder.send(core::traits(refused.code).http_status, "application/problem+json",
                   boost::json::serialize(json));
}

void ProductRoutes::open_session(const http::Request& request, http::Responder responder) {
    const auto json = core::parse_json(request.body());
    if (!json && !may_be_json(request))
        return responder.send(refusal(core::ErrorCode::unsupported_media_type, "send application/json"));
    if (!json) return responder.send(json.error());
    core::ObjectReader reader(*json, "");
    SessionOrder order;
    order.resource = reader.string("resource");
    order.subject = reader.optional_string("subject").value_or("");
    order.id = reader.optional_string("id").value_or("");
    const bool named = reader.has("id");
    if (!reader.ok()) return responder.send(reader.error());
    if (reader.has("subject") && order.subject.empty())  // as in an event
        return responder.send(refusal(core::ErrorCode::invalid, "subject: must not be empty", "/subject"));
    if (order.subject.size() > core::limits::subject_bytes_max)
        return responder.send(refusal(core::ErrorCode::invalid, "subject: more than 64 bytes", "/subject"));
    if (!core::is_line(order.subject))
        return responder.send(refusal(core::ErrorCode::invalid,
                                      "subject: no control characters and noncharacters", "/subject"));
    const bool printable = std::all_of(order.id.begin(), order.id.end(),
                                       [](unsigned char c) { return c > 0x20 && c < 0x7f && c != '/'; });
    if (named && (order.id.empty() || order.id.size() > core::limits::session_id_bytes_max || !printable))
        return responder.send(refusal(core::ErrorCode::invalid,
                                      "id: 1 to 128 printable ASCII characters without blanks and slashes",
                                      "/id"));
    const auto number = reader.optional_integer("quantity", 1, core::limits::amount_max);
    if (!reader.ok())
        return responder.send(
            refusal(core::ErrorCode::invalid, "quantity: a whole number from 1 on", "/quantity"));
    order.uid = request.peer().uid.value_or(0);
    const std::string_view accept = request.header("accept").value_or("");
    order.keeping = accept.find("text/event-stream") != std::string_view::npos ? SessionKeeping::connection
                                                                               : SessionKeeping::heartbeat;
    if (!surroundings_.enrolled() && balances_.empty()) return responder.send(not_enrolled());
    if (!may_use(rules_, request.peer(), order.resource))
        return responder.send(refusal(core::ErrorCode::forbidden,
                                      "[[products.allow]] doesn't let this user run " + order.resource,
                                      "/resource"));
    if (meter_.closed()) return responder.send(Meter::refusal_when_closed());
    if (!named) order.id = platform::system::uuid4(random_);
    if (balances_.find(order.resource) != nullptr)
        return admit_session(std::move(order), number.value_or(1), std::move(responder));
    auto then = [this, order = std::move(order),
                 quantity = number.value_or(1)](http::Responder asking) mutable {
        admit_session(std::move(order), quantity, std::move(asking));
    };
    look_for_resource(request, std::move(responder), std::move(then));
}

void ProductRoutes::admit_session(SessionOrder order, std::int64_t quantity, http::Responder responder) {
    const Balance* balance = balances_.find(order.resource);
    if (balance == nullptr) return responder.send(unknown_resource("resource", order.resource));
    const core::Resource& resource = balance->ledger->resource();
    const bool returnable = resource.kind == core::Kind::returnable;
    order.quantity = core::Units{quantity};
    if (!returnable && resource.measure != core::Measure::duration)
        return responder.send(refusal(
            core::ErrorCode::invalid,
            "resource: " + resource.key + " is metered as a count; report it as events", "/resource"));
    if (!returnable && quantity != 1)
        return responder.send(refusal(core::ErrorCode::invalid,
                                      "quantity: a session on " + resource.key + " counts as 1",
                                      "/quantity"));
    // Where nothing is enforced the pool doesn't bound it; with hard, more than the pool has is refused as
    // that.
    if (returnable && quantity > core::limits::units_max && resource.enforcement != core::Enforcement::hard)
        return responder.send(refusal(
            core::ErrorCode::invalid,
            "quantity: at most " + std::to_string(core::limits::units_max) + " in a session", "/quantity"));
    const std::string key = order.resource;
    const bool stream = order.keeping == SessionKeeping::connection;
    sessions_.open(std::move(order), [this, key, stream, responder = keep(std::move(responder))](
                                         const core::Result<OpenedSession>& opened) {
        if (!opened) return refuse(*responder, opened.error(), key);
        const int status = opened->fresh ? 201 : 200;
        if (!stream) return responder->send(status, "application/json", session_json(opened->view));
        const auto events = responder->start_events(status);
        if (!opened->superseded) sessions_.attach(opened->view.id, events);
    });
}

void ProductRoutes::session(const http::Request& request, http::Responder responder) {
    std::string_view rest = request.path();
    rest.remove_prefix(std::string_view("/v1/sessions/").size());
    const std::string_view method = request.method();
    const std::shared_ptr<http::Responder> shared = keep(std::move(responder));
    const auto answer = [shared](const core::Result<SessionView>& shown) {
        if (!shown) return shared->send(shown.error());
        shared->send(200, "application/json", session_json(*shown));
    };
    const std::uint32_t uid = request.peer().uid.value_or(0);
    constexpr std::string_view heartbeat = "/heartbeat";
    if (rest.ends_with(heartbeat)) {
        rest.remove_suffix(heartbeat.size());
        if (method != "PUT") return refuse_method(*shared, "PUT");
        return sessions_.heartbeat(std::string(rest), uid, answer);
    }
    if (rest.empty() || rest.find('/') != std::string_view::npos)
        return answer(
            refusal(core::ErrorCode::not_found, "no such path: " + std::string(request.raw_path())));
    if (method == "GET") return sessions_.show(std::string(rest), answer);
    if (method == "DELETE") {
        const auto ran = ran_from(request.body());
        if (!ran) return answer(ran.error());
        return sessions_.end(std::string(rest), uid, answer, *ran);
    }
    refuse_method(*shared, "GET, DELETE");
}

void ProductRoutes::list_sessions(http::Responder responder) const {
    std::string json = "{\"sessions\":[";
    bool first = true;
    for (const SessionView& session : sessions_.list()) {
        if (!first) json += ',';
        first = false;
        json += session_json(session);
    }
    responder.send(200, "application/json", json + "]}");
}

}  // namespace meterbox::agent
