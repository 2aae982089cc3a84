// The document of GET /status.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "agent/status.hpp"

namespace meterbox::agent {

namespace {

namespace json = boost::json;

json::value time_or_null(const std::optional<core::UtcTime>& time) {
    if (!time) return nullptr;
    return json::value(core::format_rfc3339(*time));
}

json::value text_or_null(const std::string& text) {
    if (text.empty()) return nullptr;
    return json::value(text);
}

json::object agent_json(const AgentStatus& agent) {
    return {{"id", text_or_null(agent.id)},
            {"name", agent.name},
            {"team", text_or_null(agent.team)},
            {"version", agent.version},
            {"started_at", time_or_null(agent.started_at)},
            {"uptime_s", agent.uptime_ms / core::second_ms}};
}

json::object enrollment_json(const EnrollmentStatus& enrollment) {
    return {{"state", name_of(enrollment.state)},
            {"certificate_expires_at", time_or_null(enrollment.certificate_expires_at)},
            {"retiring", enrollment.retiring}};
}

json::object account_json(const AccountStatus& account) {
    return {{"url", text_or_null(account.url)},
            {"reachable", account.reachable},
            {"last_sync_at", time_or_null(account.last_sync_at)},
            {"last_error", text_or_null(account.last_error)},
            {"next_sync_at", time_or_null(account.next_sync_at)},
            {"consecutive_failures", account.consecutive_failures},
            {"learning", account.learning}};
}

json::object journal_json(const JournalStatus& journal) {
    json::array set_aside;
    for (const std::string& name : journal.set_aside) set_aside.emplace_back(name);
    return {{"state", name_of(journal.state)},
            {"detail", text_or_null(journal.detail)},
            {"set_aside", std::move(set_aside)},
            {"damage", text_or_null(journal.damage)},
            {"rows", journal.rows},
            {"bytes", journal.bytes},
            {"oldest", time_or_null(journal.oldest)},
            {"budget_bytes", journal.budget_bytes}};
}

json::object clock_json(const ClockStatus& clock) {
    return {{"trusted_now", time_or_null(clock.trusted_now)},
            {"wall_now", time_or_null(clock.wall_now)},
            {"state", name_of(clock.state)}};
}

}  // namespace

std::string_view name_of(EnrollmentState state) {
    switch (state) {
        case EnrollmentState::none:
            return "none";
        case EnrollmentState::enrolled:
            return "enrolled";
        case EnrollmentState::expired:
            return "expired";
        case EnrollmentState::revoked:
            return "revoked";
        case EnrollmentState::fenced:
            return "fenced";
        case EnrollmentState::retired:
            return "retired";
    }
    return "none";
}

std::string_view name_of(JournalState state) {
    switch (state) {
        case JournalState::ok:
            return "ok";
        case JournalState::suspect:
            return "suspect";
        case JournalState::full:
            return "full";
        case JournalState::fault:
            return "fault";
    }
    return "ok";
}

std::string status_json(const StatusSnapshot& status) {
    json::array cards;
    for (const core::Card& card : status.cards) cards.push_back(core::card_to_json(card));
    const json::object document{
        {"agent", agent_json(status.agent)},
        {"enrollment", enrollment_json(status.enrollment)},
        {"account", account_json(status.account)},
        {"cards", std::move(cards)},
        {"pending", {{"units", status.pending.units}, {"usage_rows", status.pending.usage_rows}}},
        {"journal", journal_json(status.journal)},
        {"clock", clock_json(status.clock)},
        {"sessions", {{"active", status.sessions.active}}}};
    return json::serialize(document);
}

}  // namespace meterbox::agent
