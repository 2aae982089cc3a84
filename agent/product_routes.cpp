#include "agent/product_routes.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "agent/product_answers.hpp"

namespace meterbox::agent {

namespace http = platform::http;

namespace {

// Nothing here unpacks a body, so that a packed one would be taken for what it isn't.
bool is_encoded(const http::Request& request) {
    const auto encoding = request.header("content-encoding");
    return encoding && !encoding->empty() && !http::same_token(*encoding, "identity");
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
        return responder.send(refusal(core::ErrorCode::unsupported_media_type,
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
    responder.send(refusal(core::ErrorCode::not_found, "no such path: " + std::string(path)));
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
    json["overage_units"] = core::overage_units(ledger, time_.range()).value();
    json["enforcement"] = core::name_of(ledger.resource().enforcement);
    json["as_of"] = core::format_rfc3339(time_.utc());
    return boost::json::serialize(json);
}

// That there is no such resource, if that can be known: a new journal has no catalogue before the account
// has answered.
core::Error ProductRoutes::unknown_resource(core::Error known_otherwise) const {
    if (const std::string why = surroundings_.no_catalogue(); !why.empty())
        return refusal(core::ErrorCode::unreachable,
                       "no resource is known here before the account has answered: " + why);
    return known_otherwise;
}

core::Error ProductRoutes::unknown_resource(std::string_view member, const std::string& resource) const {
    const std::string name(member);
    return unknown_resource(refusal(core::ErrorCode::invalid,
                                    name + ": no resource \"" + resource + "\" in this account", "/" + name));
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
        return responder.send(unknown_resource(
            refusal(core::ErrorCode::not_found, "no resource \"" + std::string(key) + "\"")));
    responder.send(200, "application/json", resource_json(std::string(key)));
}

}  // namespace meterbox::agent
