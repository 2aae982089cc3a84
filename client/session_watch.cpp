#include "client/session_watch.hpp"

#include <algorithm>

#include "client/json_view.hpp"
#include "core/json_reader.hpp"
#include "core/limits.hpp"

namespace meterbox::client {
namespace {

// A daemon that lives says stop by itself, or has since had more to spend: it is given this much longer.
constexpr std::int64_t patience_ms = core::limits::client_retry_answer_ms;

SessionState state_from(std::string_view name) {
    if (name == "low") return SessionState::low;
    if (name == "stop") return SessionState::stop;
    if (name == "ended") return SessionState::ended;
    return SessionState::active;
}

}  // namespace

std::optional<SessionNews> session_news_from(std::string_view document, std::string_view event_name) {
    const auto parsed = core::parse_json(document);
    if (!parsed) return {};
    const JsonView session{*parsed};
    SessionNews news;
    news.state = state_from(session["state"].text(event_name));
    if (const auto ms = session["exhausts_in_ms"].integer()) {
        news.exhausts_in_ms = std::clamp<std::int64_t>(*ms, 0, core::limits::amount_max);
    }
    news.metered_ms = std::clamp<std::int64_t>(session["metered"].integer_or(0), 0, core::limits::amount_max);
    news.heartbeat_ms =
        std::clamp<std::int64_t>(session["heartbeat_ms"].integer_or(core::limits::heartbeat_default_ms), 0,
                                 core::limits::heartbeat_max_ms);
    return news;
}

void SessionWatch::heard(const SessionNews& news, core::MonotonicTime now) {
    connected_ = true;
    exhausts_at_.reset();
    if (news.exhausts_in_ms) exhausts_at_ = now + *news.exhausts_in_ms;
    if (stop_reason_) return;
    if (news.state == SessionState::stop) stop_reason_ = StopReason::used_up;
    if (news.state == SessionState::ended) stop_reason_ = StopReason::ended;
}

void SessionWatch::lost(core::MonotonicTime now) {
    connected_ = false;
    retry_at_ = now;
    retry_delay_ms_ = core::limits::client_retry_base_ms;
}

void SessionWatch::failed(core::MonotonicTime now) {
    if (connected_) lost(now);
    retry_at_ = now + retry_delay_ms_;
    retry_delay_ms_ = std::min(2 * retry_delay_ms_, core::limits::client_retry_max_ms);
}

SessionWatch::Action SessionWatch::due(core::MonotonicTime now) {
    if (stop_reason_) return Action::stop;
    if (connected_) return exhausts_at_ && now >= *exhausts_at_ + patience_ms ? Action::ask : Action::none;
    if (exhausts_at_ && now >= *exhausts_at_) {
        stop_reason_ = StopReason::alone;
        return Action::stop;
    }
    return now >= retry_at_ ? Action::reconnect : Action::none;
}

std::optional<core::MonotonicTime> SessionWatch::wakes_at() const {
    if (stop_reason_) return {};
    if (!connected_) return exhausts_at_ ? std::min(*exhausts_at_, retry_at_) : retry_at_;
    if (exhausts_at_) return *exhausts_at_ + patience_ms;
    return {};
}

}  // namespace meterbox::client
