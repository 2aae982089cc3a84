// What products report: read, checked, taken, and answered by what is left (docs/API.md).
#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "agent/product_access.hpp"
#include "agent/product_answers.hpp"
#include "agent/product_routes.hpp"

namespace meterbox::agent {

namespace http = platform::http;

namespace {

constexpr std::size_t looking_bytes_max = core::limits::all_held_bytes_max / 4;

bool has_ce_headers(const http::Request& request) {
    return request.header("ce-specversion").has_value() || request.header("ce-id").has_value() ||
           request.header("ce-type").has_value();
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

core::Result<std::vector<core::UsageEvent>> ProductRoutes::parse(const http::Request& request,
                                                                 bool& batch) const {
    const std::string_view content_type = request.header("content-type").value_or("");
    const auto mode = core::event_mode(content_type, has_ce_headers(request));
    if (!mode)
        return refusal(
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
            refusal(core::ErrorCode::forbidden,
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
    auto then = [this, events = std::move(*events), uid, batch, form](http::Responder asking) mutable {
        if (balances_.empty() && !surroundings_.no_catalogue().empty() && !events.empty()) {
            ++refused_;
            return asking.send(unknown_resource("type", events.front().type));
        }
        take(std::move(events), uid, batch, form, std::move(asking));
    };
    look_for_resource(request, std::move(responder), std::move(then));
}

// A sync may take seconds, and while the bodies of all requests without an answer are too many bytes the
// server reads nothing more: who asks for what nobody knows must not keep out who doesn't.
void ProductRoutes::look_for_resource(const http::Request& request, http::Responder responder,
                                      std::function<void(http::Responder)> then) {
    const std::size_t bytes = request.body().size();
    if (looking_bytes_ + bytes > looking_bytes_max) {
        ++refused_;
        return responder.send(refusal(core::ErrorCode::unreachable,
                                      "too much waits until the account has said which resources there are"));
    }
    looking_bytes_ += bytes;
    surroundings_.look_for_resource(
        [this, bytes, then = std::move(then), responder = keep(std::move(responder))]() mutable {
            looking_bytes_ -= bytes;
            then(std::move(*responder));
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
    sessions_.note_stale_leases();
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

}  // namespace meterbox::agent
