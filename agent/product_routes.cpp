#include "agent/product_routes.hpp"

#include <algorithm>
#include <array>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <memory>
#include <utility>

#include "agent/product_access.hpp"
#include "core/json_reader.hpp"
#include "core/limits.hpp"

namespace meterbox::agent {

namespace http = platform::http;

namespace {

core::Error error(core::ErrorCode code, std::string detail, std::string pointer = {}) {
    return {code, std::move(detail), {}, std::move(pointer)};
}

core::Error not_enrolled() {
    return error(core::ErrorCode::not_enrolled,
                 "this agent belongs to no account yet; run: meterbox enroll URL --token T");
}

void refuse_method(http::Responder& responder, const char* allowed) {
    http::Response response =
        http::problem(error(core::ErrorCode::method_not_allowed, "this path takes " + std::string(allowed)));
    response.headers.emplace_back("Allow", allowed);
    responder.send(response);
}

bool has_ce_headers(const http::Request& request) {
    return request.header("ce-specversion").has_value() || request.header("ce-id").has_value() ||
           request.header("ce-type").has_value();
}

// A Responder moves, a std::function copies: the answer waits in shared hands.
std::shared_ptr<http::Responder> keep(http::Responder responder) {
    return std::make_shared<http::Responder>(std::move(responder));
}

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
    return error(core::ErrorCode::invalid, "ran_ms: milliseconds, a whole number", "/ran_ms");
}

// What doesn't say its type may be JSON, and what says another may be all the same: curl -d does.
bool may_be_json(const http::Request& request) {
    const auto content_type = request.header("content-type");
    return !content_type || content_type->find("json") != std::string_view::npos;
}

// Nothing here unpacks a body, so that a packed one would be taken for what it isn't.
bool is_encoded(const http::Request& request) {
    const auto encoding = request.header("content-encoding");
    return encoding && !encoding->empty() && !http::same_token(*encoding, "identity");
}

void append_number(std::string& text, std::int64_t number) {
    std::array<char, 20> digits;
    const char* end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    text.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

std::string at_index(std::size_t index) {
    return "/" + std::to_string(index);
}

}  // namespace

ProductRoutes::ProductRoutes(AgentTime& time, Balances& balances, Meter& meter, Sessions& sessions,
                             platform::system::Random& random, std::vector<config::AllowRule> rules,
                             Surroundings surroundings)
    : time_(time),
      balances_(balances),
      meter_(meter),
      sessions_(sessions),
      random_(random),
      rules_(std::move(rules)),
      surroundings_(std::move(surroundings)) {}

void ProductRoutes::handle(const http::Request& request, http::Responder responder) {
    const std::string_view path = request.raw_path();
    const std::string_view method = request.method();
    if (is_encoded(request))
        return responder.send(error(core::ErrorCode::unsupported_media_type,
                                    "Content-Encoding: send the body as it is, without one"));
    if (path == "/v1/events" || path == "/api/v1/events") {
        if (method != "POST") return refuse_method(responder, "POST");
        return report(request, std::move(responder),
                      path == "/v1/events" ? AnswerForm::counts : AnswerForm::empty);
    }
    if (path == "/v1/sessions") {
        if (method == "GET") return list_sessions(std::move(responder));
        if (method != "POST") return refuse_method(responder, "GET, POST");
        return open_session(request, std::move(responder));
    }
    if (path.starts_with("/v1/sessions/")) return session(request, std::move(responder));
    const bool one_resource = path.starts_with("/v1/resources/");
    if (path == "/v1/resources" || one_resource) {
        if (method != "GET") return refuse_method(responder, "GET");
        if (!one_resource) return list_resources(std::move(responder));
        return resource(request.path().substr(std::string_view("/v1/resources/").size()),
                        std::move(responder));
    }
    responder.send(error(core::ErrorCode::not_found, "no such path: " + std::string(path)));
}

core::Result<std::vector<core::UsageEvent>> ProductRoutes::parse(const http::Request& request,
                                                                 bool& batch) const {
    const std::string_view content_type = request.header("content-type").value_or("");
    const auto mode = core::event_mode(content_type, has_ce_headers(request));
    if (!mode)
        return error(
            core::ErrorCode::unsupported_media_type,
            "send application/cloudevents+json, application/cloudevents-batch+json, or ce-* headers");
    batch = *mode == core::EventMode::batched;
    if (batch) return core::parse_event_batch(request.body());
    const core::HeaderVisitor headers =
        [&request](const std::function<void(std::string_view, std::string_view)>& visit) {
            request.visit_headers(visit);
        };
    auto event = *mode == core::EventMode::structured
                     ? core::parse_structured_event(request.body())
                     : core::parse_binary_event(headers, content_type, request.body());
    if (!event) return event.error();
    std::vector<core::UsageEvent> events;
    events.push_back(std::move(*event));
    return events;
}

void ProductRoutes::report(const http::Request& request, http::Responder responder, AnswerForm form) {
    bool batch = false;
    auto events = parse(request, batch);
    if (!events) {
        ++refused_;
        return responder.send(events.error());
    }
    if (!surroundings_.enrolled() && balances_.empty()) return responder.send(not_enrolled());
    for (std::size_t i = 0; i < events->size(); ++i) {
        if (may_use(rules_, request.peer(), (*events)[i].type)) continue;
        core::Error refused =
            error(core::ErrorCode::forbidden,
                  "[[products.allow]] doesn't let this user report " + (*events)[i].type, "/type");
        if (batch) refused.index = i;
        if (batch) refused.pointer.insert(0, at_index(i));
        ++refused_;
        return responder.send(refused);
    }
    const std::uint32_t uid = request.peer().uid.value_or(0);
    const bool known = std::all_of(events->begin(), events->end(), [this](const core::UsageEvent& event) {
        return balances_.find(event.type) != nullptr;
    });
    if (known) return take(std::move(*events), uid, batch, form, std::move(responder));
    surroundings_.look_for_resource([this, events = std::move(*events), uid, batch, form,
                                     responder = keep(std::move(responder))]() mutable {
        take(std::move(events), uid, batch, form, std::move(*responder));
    });
}

void ProductRoutes::take(std::vector<core::UsageEvent> events, std::uint32_t uid, bool batch, AnswerForm form,
                         http::Responder responder) {
    if (events.empty()) {
        if (form == AnswerForm::empty) return responder.send(204, "", "");
        return responder.send(200, "application/json", counts_json({}, {}));
    }
    std::vector<std::string> resources;
    for (const core::UsageEvent& event : events)
        if (std::find(resources.begin(), resources.end(), event.type) == resources.end())
            resources.push_back(event.type);
    meter_.report(std::move(events), uid,
                  [this, batch, form, resources = std::move(resources),
                   responder = keep(std::move(responder))](const core::Result<ReportOutcome>& outcome) {
                      if (!outcome) {
                          core::Error refused = outcome.error();
                          if (!batch) refused.index.reset();
                          if (batch && refused.index) refused.pointer.insert(0, at_index(*refused.index));
                          ++refused_;
                          return responder->send(refused);
                      }
                      ++reports_;
                      if (form == AnswerForm::empty) return responder->send(204, "", "");
                      responder->send(200, "application/json", counts_json(*outcome, resources));
                  });
}

std::string ProductRoutes::counts_json(const ReportOutcome& outcome,
                                       const std::vector<std::string>& resources) const {
    std::string json;
    json.reserve(96 + resources.size() * 160);
    const auto add = [&json](std::string_view text) { json.append(text); };
    add(R"({"accepted":)");
    append_number(json, outcome.accepted);
    add(R"(,"duplicates":)");
    append_number(json, outcome.duplicates);
    add(R"(,"resources":{)");
    bool first = true;
    for (const std::string& key : resources) {  // keys need no escaping
        const core::Standing standing = sessions_.standing(key);
        add(first ? R"(")" : R"(,")");
        first = false;
        add(key);
        add(R"(":{"state":")");
        add(core::name_of(standing.state));
        add(R"(","available_units":)");
        append_number(json, standing.available_units.value());
        add(R"(,"remainder":)");
        append_number(json, balances_.find(key)->ledger->remainder().value());
        add(R"(,"as_of":")");
        add(as_of());
        add(R"("})");
    }
    add("}}");
    return json;
}

// Many answers are made within a millisecond.
const std::string& ProductRoutes::as_of() const {
    const core::UtcTime now = time_.utc();
    if (as_of_.empty() || now != as_of_time_) {
        as_of_ = core::format_rfc3339(now);
        as_of_time_ = now;
    }
    return as_of_;
}

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
        return responder.send(error(core::ErrorCode::unsupported_media_type, "send application/json"));
    if (!json) return responder.send(json.error());
    core::ObjectReader reader(*json, "");
    SessionOrder order;
    order.resource = reader.string("resource");
    order.subject = reader.optional_string("subject").value_or("");
    order.id = reader.optional_string("id").value_or("");
    const bool named = reader.has("id");
    if (!reader.ok()) return responder.send(reader.error());
    if (reader.has("subject") && order.subject.empty())  // as in an event
        return responder.send(error(core::ErrorCode::invalid, "subject: must not be empty", "/subject"));
    if (order.subject.size() > core::limits::subject_bytes_max)
        return responder.send(error(core::ErrorCode::invalid, "subject: more than 64 bytes", "/subject"));
    const bool printable = std::all_of(order.id.begin(), order.id.end(),
                                       [](unsigned char c) { return c > 0x20 && c < 0x7f && c != '/'; });
    if (named && (order.id.empty() || order.id.size() > core::limits::session_id_bytes_max || !printable))
        return responder.send(error(core::ErrorCode::invalid,
                                    "id: 1 to 128 printable ASCII characters without blanks and slashes",
                                    "/id"));
    const auto number = reader.optional_integer("quantity", 1, core::limits::amount_max);
    if (!reader.ok())
        return responder.send(
            error(core::ErrorCode::invalid, "quantity: a whole number from 1 on", "/quantity"));
    order.uid = request.peer().uid.value_or(0);
    const std::string_view accept = request.header("accept").value_or("");
    order.keeping = accept.find("text/event-stream") != std::string_view::npos ? SessionKeeping::connection
                                                                               : SessionKeeping::heartbeat;
    if (!surroundings_.enrolled() && balances_.empty()) return responder.send(not_enrolled());
    if (!may_use(rules_, request.peer(), order.resource))
        return responder.send(error(core::ErrorCode::forbidden,
                                    "[[products.allow]] doesn't let this user run " + order.resource,
                                    "/resource"));
    if (!named) order.id = platform::system::uuid4(random_);
    if (balances_.find(order.resource) != nullptr)
        return admit_session(std::move(order), number.value_or(1), std::move(responder));
    surroundings_.look_for_resource([this, order = std::move(order), quantity = number.value_or(1),
                                     responder = keep(std::move(responder))]() mutable {
        admit_session(std::move(order), quantity, std::move(*responder));
    });
}

void ProductRoutes::admit_session(SessionOrder order, std::int64_t quantity, http::Responder responder) {
    const Balance* balance = balances_.find(order.resource);
    if (balance == nullptr)
        return responder.send(error(core::ErrorCode::invalid,
                                    "resource: no resource \"" + order.resource + "\" in this account",
                                    "/resource"));
    const core::Resource& resource = balance->ledger->resource();
    const bool returnable = resource.kind == core::Kind::returnable;
    order.quantity = core::Units{quantity};
    if (!returnable && resource.measure != core::Measure::duration)
        return responder.send(
            error(core::ErrorCode::invalid,
                  "resource: " + resource.key + " is metered as a count; report it as events", "/resource"));
    if (!returnable && quantity != 1)
        return responder.send(error(core::ErrorCode::invalid,
                                    "quantity: a session on " + resource.key + " counts as 1", "/quantity"));
    const std::string key = order.resource;
    const bool stream = order.keeping == SessionKeeping::connection;
    sessions_.open(std::move(order), [this, key, stream, responder = keep(std::move(responder))](
                                         const core::Result<OpenedSession>& opened) {
        if (!opened) return refuse(*responder, opened.error(), key);
        const int status = opened->fresh ? 201 : 200;
        if (!stream) return responder->send(status, "application/json", session_json(opened->view));
        sessions_.attach(opened->view.id, responder->start_events(status));
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
        return answer(error(core::ErrorCode::not_found, "no such path: " + std::string(request.raw_path())));
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

std::string ProductRoutes::resource_json(const std::string& key) const {
    const core::Standing standing = sessions_.standing(key);
    const core::ResourceLedger& ledger = *balances_.find(key)->ledger;
    boost::json::object json;
    json["key"] = key;
    json["name"] = ledger.resource().name;
    json["kind"] = core::name_of(ledger.resource().kind);
    json["measure"] = core::name_of(ledger.resource().measure);
    json["unit_size"] = ledger.resource().unit_size.value();
    json["state"] = core::name_of(standing.state);
    json["available"] = standing.available.value();
    json["available_units"] = standing.available_units.value();
    json["remainder"] = core::part_of_unit(ledger, sessions_.running(key)).value();
    json["overage_units"] = ledger.overage_units().value();
    json["enforcement"] = core::name_of(ledger.resource().enforcement);
    json["as_of"] = core::format_rfc3339(time_.utc());
    return boost::json::serialize(json);
}

void ProductRoutes::list_resources(http::Responder responder) const {
    std::string json = "{\"resources\":[";
    bool first = true;
    for (const auto& [key, balance] : balances_.all()) {
        if (!first) json += ',';
        first = false;
        json += resource_json(key);
    }
    responder.send(200, "application/json", json + "]}");
}

void ProductRoutes::resource(std::string_view key, http::Responder responder) const {
    if (balances_.find(key) == nullptr)
        return responder.send(error(core::ErrorCode::not_found, "no resource \"" + std::string(key) + "\""));
    responder.send(200, "application/json", resource_json(std::string(key)));
}

}  // namespace meterbox::agent
