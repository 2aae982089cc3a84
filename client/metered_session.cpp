#include "client/metered_session.hpp"

#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "core/limits.hpp"
#include "platform/system/random.hpp"

namespace meterbox::client {
namespace {

namespace limits = core::limits;
using std::chrono::milliseconds;

std::string new_id() {
    platform::system::SystemRandom random;
    return platform::system::uuid4(random);
}

}  // namespace

MeteredSession::MeteredSession(std::string socket, std::string resource, std::string subject,
                               const platform::system::Clock& clock, OnLow on_low)
    : socket_(std::move(socket)),
      resource_(std::move(resource)),
      subject_(std::move(subject)),
      clock_(&clock),
      id_(new_id()),
      on_low_(std::move(on_low)) {}

core::Result<platform::http::UnixEventReader> MeteredSession::post(milliseconds timeout) const {
    boost::json::object body{{"resource", resource_}, {"id", id_}};
    if (!subject_.empty()) body["subject"] = subject_;
    platform::http::ClientRequest request;
    request.method = "POST";
    request.target = "/v1/sessions";
    request.content_type = "application/json";
    request.body = boost::json::serialize(body);
    return platform::http::open_events_unix(socket_, request, timeout);
}

Outcome<MeteredSession> MeteredSession::open(const std::string& socket, const std::string& resource,
                                             const std::string& subject, const platform::system::Clock& clock,
                                             OnLow on_low) {
    MeteredSession session{socket, resource, subject, clock, std::move(on_low)};
    auto stream = session.post(milliseconds{limits::client_session_answer_ms});
    if (!stream) return failure_of(stream.error());
    if (!stream->is_stream()) return failure_of(stream->response());
    session.stream_ = std::move(*stream);
    const Outcome<void> started = session.await_first_state();
    if (!started) return started.error();
    return session;
}

Outcome<void> MeteredSession::await_first_state() {
    const core::MonotonicTime until = clock_->monotonic_now() + limits::client_session_answer_ms;
    read();  // what came with the head of the answer is not announced by the descriptor
    while (!started_) {
        const std::int64_t left = until - clock_->monotonic_now();
        if (left <= 0 || !watch_.connected()) {
            return Failure{exit_unreachable, "the daemon on " + socket_ +
                                                 " closed or left open the session without a "
                                                 "word; the command was not started"};
        }
        pollfd waiting{.fd = fd(), .events = POLLIN, .revents = 0};
        ::poll(&waiting, 1, static_cast<int>(left));
        read();
    }
    if (watch_.stop_reason() == StopReason::used_up) {
        return Failure{exit_exhausted, resource_ + " is used up; the command was not started"};
    }
    if (watch_.stop_reason()) {
        return Failure{exit_failed, "the daemon ended the session at once; the command was not started"};
    }
    return boost::system::in_place_value;
}

int MeteredSession::fd() const {
    return stream_ ? stream_->fd() : -1;
}

void MeteredSession::read() {
    if (!stream_) return;
    while (auto event = stream_->next()) take(*event);
    if (!stream_->ended()) return;
    stream_.reset();
    watch_.lost(clock_->monotonic_now());
}

void MeteredSession::take(const platform::http::ServerEvent& event) {
    take(event.data, event.event);
}

void MeteredSession::take(std::string_view document, std::string_view event_name) {
    const auto news = session_news_from(document, event_name);
    if (!news) return;
    started_ = true;
    watch_.heard(*news, clock_->monotonic_now());
    if (news->state == SessionState::low) on_low_(*news);
}

std::optional<StopReason> MeteredSession::proceed() {
    switch (watch_.due(clock_->monotonic_now())) {
        case SessionWatch::Action::reconnect:
            reconnect();
            break;
        case SessionWatch::Action::ask:
            ask();
            break;
        case SessionWatch::Action::none:
        case SessionWatch::Action::stop:
            break;
    }
    return watch_.stop_reason();
}

void MeteredSession::reconnect() {
    constexpr int conflict = 409;
    auto stream = post(milliseconds{limits::client_retry_answer_ms});
    if (stream && stream->is_stream()) {
        stream_ = std::move(*stream);
        watch_.reconnected();
        return read();
    }
    // The daemon was gone for longer than it waits: that session is over, and another one goes on from here.
    if (stream && stream->response().status == conflict) id_ = new_id();
    if (stream && failure_of(stream->response()).exit_code == exit_exhausted) return watch_.refused();
    watch_.failed(clock_->monotonic_now());
}

void MeteredSession::ask() {
    platform::http::ClientRequest request;
    request.target = path();
    const auto response =
        platform::http::request_unix(socket_, request, milliseconds{limits::client_retry_answer_ms});
    constexpr int ok = 200;
    if (response && response->status == ok) return take(response->body, "");
    stream_.reset();
    watch_.failed(clock_->monotonic_now());
}

bool MeteredSession::end() {
    platform::http::ClientRequest request;
    request.method = "DELETE";
    request.target = path();
    const auto response =
        platform::http::request_unix(socket_, request, milliseconds{limits::client_session_answer_ms});
    stream_.reset();
    return response.has_value();
}

}  // namespace meterbox::client
