#include "agent/session_view.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace meterbox::agent {

std::string_view name_of(SessionState state) {
    switch (state) {
        case SessionState::active:
            return "active";
        case SessionState::low:
            return "low";
        case SessionState::stop:
            return "stop";
        case SessionState::ended:
            return "ended";
    }
    return "ended";
}

std::string session_json(const SessionView& session) {
    boost::json::object json;
    json["id"] = session.id;
    json["resource"] = session.resource;
    if (!session.subject.empty()) json["subject"] = session.subject;
    if (session.quantity) json["quantity"] = session.quantity->value();
    json["state"] = name_of(session.state);
    json["metered"] = session.metered.value();
    if (session.state == SessionState::ended) {
        json["units_completed"] = session.units_completed.value();
        json["remainder"] = session.remainder.value();
    } else {
        json["available"] = session.available.value();
        json["heartbeat_ms"] = session.heartbeat_ms;
        json["exhausts_at"] = nullptr;
        json["exhausts_in_ms"] = nullptr;
        if (session.exhausts_in_ms) {
            json["exhausts_at"] = core::format_rfc3339(session.as_of + *session.exhausts_in_ms);
            json["exhausts_in_ms"] = *session.exhausts_in_ms;
        }
    }
    json["started_at"] = core::format_rfc3339(session.started_at);
    json["as_of"] = core::format_rfc3339(session.as_of);
    return boost::json::serialize(json);
}

}  // namespace meterbox::agent
