#include "client/session_watch.hpp"

#include <algorithm>

#include "core/limits.hpp"

namespace meterbox::client {
namespace {

// A daemon that lives says stop by itself, or has since had more to spend: it is given this much longer.
constexpr std::int64_t patience_ms = core::limits::client_retry_answer_ms;

}  // namespace

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
