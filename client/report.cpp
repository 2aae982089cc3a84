// `meterbox report`: one CloudEvent about usage that has happened, for scripts and by hand.
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <cstdio>

#include "client/commands.hpp"
#include "client/json_view.hpp"
#include "client/text.hpp"
#include "core/time.hpp"
#include "platform/system/random.hpp"

namespace meterbox::client {
namespace {

Failure wrong(const std::string& message) {
    return {exit_usage, printable("report: " + message)};
}

// In digits alone: 010 is ten, and 0x10 no number.
std::optional<std::int64_t> quantity_from(const std::string& text) {
    std::int64_t number = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{} || stop != end || number < 0 || number > core::limits::amount_max) return {};
    return number;
}

Outcome<boost::json::object> data_of(const ReportArguments& arguments) {
    if (arguments.duration.empty() != arguments.quantity.has_value()) {
        return wrong("give exactly one amount: --duration 12m30s or --quantity N");
    }
    boost::json::object data;
    if (arguments.quantity) {
        const auto quantity = quantity_from(*arguments.quantity);
        if (!quantity) {
            return wrong("--quantity: \"" + *arguments.quantity + "\" is not a whole number from 0 to " +
                         std::to_string(core::limits::amount_max));
        }
        data["quantity"] = *quantity;
        return data;
    }
    auto duration = core::parse_short_duration_ms(arguments.duration);
    if (!duration) duration = core::parse_iso8601_duration_ms(arguments.duration);
    if (!duration || *duration > core::limits::amount_max) {
        return wrong("--duration: \"" + arguments.duration +
                     "\" is not a duration; write one such as 12m30s, 250ms or PT12M30S");
    }
    data["duration_ms"] = *duration;
    return data;
}

Outcome<boost::json::object> event_of(const ReportArguments& arguments) {
    auto data = data_of(arguments);
    if (!data) return data.error();
    if (!arguments.time.empty() && !core::parse_rfc3339(arguments.time)) {
        return wrong("--time: \"" + arguments.time +
                     "\" is not RFC 3339; write one such as 2026-08-14T23:59:59Z");
    }
    if (arguments.id && (arguments.id->empty() || arguments.id->size() > core::limits::identity_bytes_max)) {
        return wrong("--id: 1 to " + std::to_string(core::limits::identity_bytes_max) +
                     " bytes; leave it out for a new one");
    }
    platform::system::SystemRandom random;
    boost::json::object event{{"specversion", "1.0"},
                              {"source", "/meterbox/cli"},
                              {"id", arguments.id ? *arguments.id : platform::system::uuid4(random)},
                              {"type", arguments.resource},
                              {"data", *data}};
    if (!arguments.time.empty()) event["time"] = arguments.time;
    if (!arguments.subject.empty()) event["subject"] = arguments.subject;
    return event;
}

std::string id_of(const boost::json::object& event) {
    return printable(std::string{event.at("id").as_string()});
}

// "render: taken, 9 units available, as of 2026-11-23T19:24:00Z"
std::string taken_text(const std::string& resource, JsonView answer) {
    const JsonView balance = answer["resources"][resource];
    const bool duplicate = answer["accepted"].integer_or(0) == 0 && answer["duplicates"].integer_or(0) > 0;
    std::string text = resource + (duplicate ? ": had been taken already" : ": taken");
    if (const auto units = balance["available_units"].integer()) {
        text += ", " + count_of(*units, "unit", "units") + " available";
    }
    const std::string state = balance["state"].text("ok");
    if (state != "ok") text += ", " + state;
    const std::string as_of = balance["as_of"].text();
    if (!as_of.empty()) text += ", as of " + as_of;
    return printable(text);
}

}  // namespace

Outcome<int> run_report(const Options& options, const ReportArguments& arguments) {
    auto event = event_of(arguments);
    if (!event) return event.error();
    platform::http::ClientRequest request;
    request.method = "POST";
    request.target = "/v1/events";
    request.content_type = "application/cloudevents+json";
    request.body = boost::json::serialize(*event);
    auto answer = ask_daemon(options.products_socket, request);
    const bool may_be_taken = !answer && answer.error().may_be_done;
    if (may_be_taken) answer = ask_daemon(options.products_socket, request);  // by its id it counts once
    if (!answer) {
        Failure failure = answer.error();
        if (may_be_taken) failure.message += "; it may have been taken: repeat it with --id " + id_of(*event);
        return failure;
    }
    const std::string text =
        options.json ? answer->body : taken_text(arguments.resource, JsonView{answer->json});
    std::printf("%s%s", text.c_str(), text.ends_with('\n') ? "" : "\n");
    return exit_done;
}

}  // namespace meterbox::client
