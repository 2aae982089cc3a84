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

constexpr int ok = 200;
constexpr int not_found = 404;
constexpr int conflict = 409;
constexpr int first_server_error = 500;

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
    lost_at_ = clock_->monotonic_now();
    watch_.lost(*lost_at_);
}

void MeteredSession::take(const platform::http::ServerEvent& event) {
    take(event.data, event.event);
}

void MeteredSession::take(std::string_view document, std::string_view event_name) {
    const auto news = session_news_from(document, event_name);
    if (!news) return;
    const core::MonotonicTime now = clock_->monotonic_now();
    if (!std::exchange(started_, true)) {
        const core::MonotonicTime begun = now + -news->metered_ms;
        if (over_with_)  // what ran in between
            unaccounted_ms_ += std::max<std::int64_t>(0, ran_ms(begun) - *over_with_);
        over_with_.reset();
        begun_ = begun;
    }
    heartbeat_ms_ = news->heartbeat_ms;
    watch_.heard(*news, now);
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
    auto stream = post(milliseconds{limits::client_retry_answer_ms});
    if (stream && stream->is_stream()) {
        stream_ = std::move(*stream);
        watch_.reconnected();
        return read();
    }
    if (stream && stream->response().status == conflict && session_is_over()) id_ = new_id();
    if (stream && failure_of(stream->response()).exit_code == exit_exhausted) return watch_.refused();
    watch_.failed(clock_->monotonic_now());
}

// The daemon was gone for longer than it waits, or began this one and its answer didn't reach us: that
// session is over, and another one goes on from here. False: how much it metered can't be learnt yet.
bool MeteredSession::session_is_over() {
    const auto response = question("GET", milliseconds{limits::client_retry_answer_ms});
    if (!response || response->status != ok) return false;
    const auto news = session_news_from(response->body, "");
    if (!news) return false;
    over_with_ = over_with_.value_or(0) + news->metered_ms;
    started_ = false;
    return true;
}

void MeteredSession::ask() {
    const auto response = question("GET", milliseconds{limits::client_retry_answer_ms});
    if (response && response->status == ok) return take(response->body, "");
    stream_.reset();
    watch_.failed(clock_->monotonic_now());
}

core::Result<platform::http::ClientResponse> MeteredSession::question(const std::string& method,
                                                                      milliseconds timeout,
                                                                      std::string body) const {
    platform::http::ClientRequest request;
    request.method = method;
    request.target = path();
    if (!body.empty()) request.content_type = "application/json";
    request.body = std::move(body);
    return platform::http::request_unix(socket_, request, timeout);
}

MeteredSession::Ending MeteredSession::end(core::MonotonicTime at) {
    if (!ended_at_) ended_at_ = at;
    if (!ended_) {
        const Ending ending = end_session();
        if (ending != Ending::done) return ending;
        ended_ = true;
        stream_.reset();
    }
    return report_rest();
}

// The stream stays open until the daemon knows when the command ended: closing it says now.
MeteredSession::Ending MeteredSession::end_session() {
    read();
    // Told to stop, it is metered up to there and no further.
    const bool told = watch_.stop_reason() && watch_.stop_reason() != StopReason::alone;
    if (!started_ && stream_) return Ending::later;  // its first word is on its way
    if (!started_) return end_unheard();
    const std::int64_t ran = ran_ms(*ended_at_);
    const auto response = question("DELETE", milliseconds{limits::client_session_answer_ms},
                                   boost::json::serialize(boost::json::object{{"ran_ms", ran}}));
    if (!response) {
        if (watch_.connected()) watch_.lost(clock_->monotonic_now());
        return Ending::later;
    }
    if (response->status >= first_server_error) return Ending::later;
    if (response->status != ok && response->status != not_found) return Ending::refused;
    const bool lost = !watch_.connected();
    const auto ended = session_news_from(response->status == ok ? response->body : "{}", "ended");
    if (lost && !told && ended) unaccounted_ms_ += std::max<std::int64_t>(0, ran - ended->metered_ms);
    return Ending::done;
}

// The session before is over. This one never said a word, but may have begun: it is asked what it metered.
MeteredSession::Ending MeteredSession::end_unheard() {
    const auto response = question("DELETE", milliseconds{limits::client_session_answer_ms});
    if (!response || response->status >= first_server_error) return Ending::later;
    if (response->status != ok && response->status != not_found) return Ending::refused;
    const auto ended = session_news_from(response->status == ok ? response->body : "{}", "ended");
    if (!ended) return Ending::later;
    const std::int64_t metered_ms = over_with_.value_or(0) + ended->metered_ms;
    unaccounted_ms_ += std::max<std::int64_t>(0, ran_ms(*ended_at_) - metered_ms);
    return Ending::done;
}

// What no session can meter any more goes as an event, which counts once however often it is sent.
MeteredSession::Ending MeteredSession::report_rest() {
    if (unaccounted_ms_ == 0) return Ending::done;
    boost::json::object event{{"specversion", "1.0"},
                              {"source", "/meterbox/cli"},
                              {"id", id_},
                              {"type", resource_},
                              {"data", boost::json::object{{"duration_ms", unaccounted_ms_}}}};
    if (!subject_.empty()) event["subject"] = subject_;
    platform::http::ClientRequest request;
    request.method = "POST";
    request.target = "/v1/events";
    request.content_type = "application/cloudevents+json";
    request.body = boost::json::serialize(event);
    const auto response =
        platform::http::request_unix(socket_, request, milliseconds{limits::client_session_answer_ms});
    if (!response || response->status >= first_server_error) return Ending::later;
    return response->status == ok ? Ending::done : Ending::refused;
}

std::int64_t MeteredSession::unmetered_ms() const {
    if (ended_) return unaccounted_ms_;
    const core::MonotonicTime until = ended_at_.value_or(clock_->monotonic_now());
    return unaccounted_ms_ + (lost_at_ ? std::max<std::int64_t>(0, until - *lost_at_) : 0);
}

}  // namespace meterbox::client
