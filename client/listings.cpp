#include "client/listings.hpp"

#include <optional>

#include "client/json_view.hpp"

namespace meterbox::client {
namespace {

std::optional<core::UtcTime> time_of(JsonView value) {
    return core::parse_rfc3339(value.text());
}

std::string age_of(JsonView value, core::UtcTime now) {
    const auto then = time_of(value);
    return then ? age_text(*then, now) : "never";
}

// "140 of 150 available, 7 % used"; without a purchased amount what is known instead.
std::string balance_of(JsonView card) {
    if (card["state"].text() == "unknown") return "no balance heard yet";
    const std::int64_t purchased = card["purchased_units"].integer_or(0);
    if (purchased == 0) {
        const std::string charged =
            count_of(card["charged_units"].integer_or(0), "unit", "units") + " charged";
        bool payg = false;
        card["tiers"].each([&payg](JsonView tier) { payg = payg || tier["tier"].text() == "payg"; });
        return payg ? charged + ", pay as you go" : "nothing purchased, " + charged;
    }
    std::string text = std::to_string(card["available_units"].integer_or(0)) + " of " +
                       std::to_string(purchased) + " available";
    if (const auto percent = card["used_percent"].integer())
        text += ", " + std::to_string(*percent) + " % used";
    return text;
}

std::string state_of(JsonView card) {
    const std::string state = card["state"].text("unknown");
    const std::string reason = card["reason"].text();
    return reason.empty() || reason == state ? state : state + " (" + reason + ")";
}

void add(std::string& list, const std::string& item) {
    list += (list.empty() ? "" : "; ") + item;
}

// What else there is to say of a card: the unit in progress, overage, what changes when.
std::string details_of(JsonView card, core::UtcTime now) {
    std::string text;
    const std::string measure = card["measure"].text("duration");
    const std::int64_t unit = card["unit_size"].integer_or(1);
    const std::int64_t remainder = card["remainder"].integer_or(0);
    if (remainder > 0)
        add(text, amount_text(remainder, measure) + " of the next " + amount_text(unit, measure));
    const std::int64_t overage = card["overage_units"].integer_or(0);
    if (overage > 0) add(text, count_of(overage, "unit", "units") + " of overage");
    for (const std::string what : {"exhausts", "ends", "refreshes"}) {
        const auto then = time_of(card[what + "_at"]);
        if (then && *then > now) add(text, what + " in " + span_text(*then - now));
    }
    add(text, "as of " + age_of(card["as_of"], now));
    return text;
}

std::string cards_text(JsonView status, const Painter& painter, core::UtcTime now) {
    std::string text;
    status["cards"].each([&](JsonView card) {
        const std::string key = printable(card["resource"].text());
        const std::string name = printable(card["name"].text());
        text += painter.paint(Colour::bold, key) + (name.empty() || name == key ? "" : " (" + name + ")");
        text += ": " + balance_of(card) + ", ";
        text += painter.paint(colour_of_state(card["state"].text()), printable(state_of(card))) + "\n";
        text += "    " + details_of(card, now) + "\n";
    });
    return text.empty() ? "No resources yet.\n" : text;
}

std::string account_text(JsonView account, core::UtcTime now) {
    std::string text = printable(account["url"].text("none"));
    const auto reachable = account["reachable"].boolean();
    if (reachable) text += *reachable ? ", in reach" : ", out of reach";
    text += ", synced " + age_of(account["last_sync_at"], now);
    const auto next = time_of(account["next_sync_at"]);
    if (next) text += *next > now ? ", next in " + span_text(*next - now) : ", next due";
    const std::int64_t failures = account["consecutive_failures"].integer_or(0);
    if (failures > 0) text += ", " + count_of(failures, "failure", "failures") + " in a row";
    if (account["learning"].boolean() == true)
        text += "\n          it was put back, and grants nothing until it has heard all of the team's agents";
    const std::string error = printable(account["last_error"].text());
    if (!error.empty()) text += "\n          " + error;
    return text;
}

std::string head_text(JsonView status) {
    const JsonView agent = status["agent"];
    std::string name = agent["name"].text();
    if (name.empty()) name = agent["id"].text("this machine");
    const std::string team = agent["team"].text();
    const std::string enrollment = status["enrollment"]["state"].text("unknown");
    std::string text = name + (team.empty() ? "" : " of team " + team) + ": ";
    if (status["enrollment"]["retiring"].boolean().value_or(false)) text += "retiring, now ";
    text += enrollment == "none" ? "not enrolled, see meterbox enroll --help" : enrollment;
    text += "; meterboxd " + agent["version"].text("?");
    if (const auto uptime = agent["uptime_s"].integer())
        text += ", up " + span_text(*uptime * core::second_ms);
    return printable(text);
}

}  // namespace

std::string status_text(const boost::json::value& document, const Painter& painter) {
    const JsonView status{document};
    const JsonView clock = status["clock"];
    const auto wall = time_of(clock["wall_now"]);
    const auto trusted = time_of(clock["trusted_now"]);
    const core::UtcTime now = trusted ? *trusted : wall.value_or(core::UtcTime{});

    std::string text = head_text(status) + "\n\n" + cards_text(status, painter, now) + "\n";
    text += "account   " + account_text(status["account"], now) + "\n";
    const JsonView pending = status["pending"];
    text += "waiting   " + count_of(pending["units"].integer_or(0), "unit", "units") + " and " +
            count_of(pending["usage_rows"].integer_or(0), "usage row", "usage rows") + " for the next sync\n";
    text += "sessions  " + std::to_string(status["sessions"]["active"].integer_or(0)) + " active\n";
    const std::string clock_state = clock["state"].text("trusted");
    if (clock_state != "trusted") text += "clock     " + printable(clock_state) + "\n";
    return text;
}

std::string resources_text(const boost::json::value& document, core::UtcTime now) {
    std::vector<std::vector<std::string>> rows{
        {"RESOURCE", "NAME", "STATE", "AVAILABLE", "UNITS", "UNIT", "REMAINDER", "AS OF"}};
    JsonView{document}["resources"].each([&](JsonView resource) {
        const std::string measure = resource["measure"].text("duration");
        rows.push_back({printable(resource["key"].text()), printable(resource["name"].text()),
                        printable(resource["state"].text("unknown")),
                        amount_text(resource["available"].integer_or(0), measure),
                        std::to_string(resource["available_units"].integer_or(0)),
                        amount_text(resource["unit_size"].integer_or(0), measure),
                        amount_text(resource["remainder"].integer_or(0), measure),
                        age_of(resource["as_of"], now)});
    });
    return rows.size() == 1 ? "No resources yet.\n" : table_text(rows);
}

std::string sessions_text(const boost::json::value& document) {
    std::vector<std::vector<std::string>> rows{
        {"SESSION", "RESOURCE", "SUBJECT", "STATE", "METERED", "USED UP IN"}};
    JsonView{document}["sessions"].each([&](JsonView session) {
        const auto left = session["exhausts_in_ms"].integer();
        rows.push_back({printable(session["id"].text()), printable(session["resource"].text()),
                        printable(session["subject"].text("-")), printable(session["state"].text()),
                        span_text(session["metered"].integer_or(0)), left ? span_text(*left) : "-"});
    });
    return rows.size() == 1 ? "No sessions are running.\n" : table_text(rows);
}

}  // namespace meterbox::client
