#include "platform/https/https_exchange.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/stream_traits.hpp>
#include <boost/beast/http.hpp>
#include <exception>
#include <vector>

#include "core/limits.hpp"
#include "core/time.hpp"
#include "platform/https/connect_in_turn.hpp"

namespace meterbox::platform::https {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using tcp = asio::ip::tcp;

namespace {

std::string host_in_url(const std::string& host) {
    return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

// What an operator can act on; the system's own words where there are no better ones.
std::string reason_of(const error_code& error, const Connection& connection) {
    if (!connection.stream.failure().empty()) return connection.stream.failure();
    if (error == asio::error::eof || error == http::error::end_of_stream)
        return "the server closed the connection without an answer";
    if (error == http::error::partial_message || error == tls::TlsError::stream_truncated)
        return "the connection was cut before the whole answer was there";
    if (error == http::error::body_limit)
        return "the answer is longer than " + std::to_string(core::limits::sync_body_bytes_max) + " bytes";
    if (error.category() == http::make_error_code(http::error::bad_version).category())
        return "what answers there isn't an HTTP server (" + error.message() + ")";
    return error.message();
}

}  // namespace

void close_in_good_order(std::shared_ptr<Connection> connection) {
    if (!connection || !connection->stream.lowest_layer().is_open()) return;
    tls::TlsStream<tcp::socket>& stream = connection->stream;
    stream.async_shutdown([connection](const error_code&) {
        error_code ignored;
        connection->stream.lowest_layer().close(ignored);
    });
}

Exchange::Exchange(asio::io_context& loop, Endpoint endpoint, std::shared_ptr<const tls::TlsContext> context,
                   Request request, std::shared_ptr<Connection> kept, Done done)
    : loop_(loop),
      endpoint_(std::move(endpoint)),
      context_(std::move(context)),
      request_(std::move(request)),
      connection_(std::move(kept)),
      done_(std::move(done)),
      deadline_(loop),
      resolver_(loop) {}

std::string Exchange::label() const {
    return host_in_url(endpoint_.host) + ":" + std::to_string(endpoint_.port);
}

void Exchange::start(std::int64_t timeout_ms) {
    deadline_.expires_after(std::chrono::milliseconds(timeout_ms));
    deadline_.async_wait([self = shared_from_this(), timeout_ms](const error_code& error) {
        if (error) return;
        self->fail("no answer within " + core::format_short_duration(timeout_ms) + " (" + self->stage_ + ")");
    });
    asio::co_spawn(loop_, run(shared_from_this()), [](std::exception_ptr escaped) {
        if (escaped) std::rethrow_exception(escaped);  // a bug: ends the loop
    });
}

void Exchange::abandon() {
    done_ = nullptr;
    deadline_.cancel();
    resolver_.cancel();
    error_code ignored;
    if (connection_) connection_->stream.lowest_layer().close(ignored);
}

void Exchange::fail(std::string why) {
    if (why.find(label()) == std::string::npos) why = label() + ": " + why;
    finish(core::Error{core::ErrorCode::unreachable, std::move(why), {}, {}}, nullptr);
}

void Exchange::finish(core::Result<Response> result, std::shared_ptr<Connection> reusable) {
    if (!done_) return;
    const Done done = std::move(done_);
    if (reusable) connection_ = nullptr;
    abandon();
    done(std::move(result), std::move(reusable));
}

asio::awaitable<void> Exchange::run([[maybe_unused]] std::shared_ptr<Exchange> self) {
    bool on_kept_connection = connection_ != nullptr;
    while (done_) {
        failure_.clear();
        if (!on_kept_connection) co_await connect();
        if (failure_.empty() && done_) co_await converse();
        if (!done_) co_return;
        if (response_) {
            auto reusable = reusable_ ? connection_ : nullptr;
            if (!reusable) close_in_good_order(std::move(connection_));
            finish(std::move(*response_), std::move(reusable));
        } else if (!on_kept_connection || answer_began_) {
            fail(failure_);
        }
        on_kept_connection = false;
    }
}

asio::awaitable<void> Exchange::connect() {
    stage_ = "connecting";
    const std::string& name = endpoint_.server_name.empty() ? endpoint_.host : endpoint_.server_name;
    const tls::TlsPeer peer{name, label()};
    connection_ = std::make_shared<Connection>(loop_, context_, peer);
    co_await connect_socket();
    if (!failure_.empty() || !done_) co_return;
    stage_ = "TLS handshake";
    error_code error;
    const std::shared_ptr<Connection> connection = connection_;
    connection->stream.lowest_layer().set_option(tcp::no_delay(true), error);
    co_await connection->stream.async_handshake(asio::redirect_error(asio::use_awaitable, error));
    if (error) failure_ = reason_of(error, *connection);
}

asio::awaitable<void> Exchange::connect_socket() {
    const std::shared_ptr<Connection> connection = connection_;
    std::vector<tcp::endpoint> addresses;
    error_code error;
    const asio::ip::address address = asio::ip::make_address(endpoint_.host, error);
    if (!error) {
        addresses.emplace_back(address, endpoint_.port);
    } else {
        stage_ = "asking for the host's address";
        error = {};
        const std::string service = std::to_string(endpoint_.port);
        const tcp::resolver::results_type found =
            co_await resolver_.async_resolve(endpoint_.host, service, tcp::resolver::numeric_service,
                                             asio::redirect_error(asio::use_awaitable, error));
        if (error) {
            failure_ = "unknown host (" + error.message() + ")";
            co_return;
        }
        if (!done_) co_return;
        stage_ = "connecting";
        addresses.assign(found.begin(), found.end());
    }
    error =
        co_await connect_in_turn(connection->stream.next_layer(), std::move(addresses), deadline_.expiry());
    if (error) failure_ = error.message();
}

asio::awaitable<void> Exchange::converse() {
    stage_ = "waiting for the answer";
    const std::shared_ptr<Connection> connection = connection_;
    http::request<http::string_body> message(http::string_to_verb(request_.method), request_.target, 11);
    message.set(http::field::host, label());
    message.set(http::field::user_agent, "meterbox/" METERBOX_VERSION);
    message.set(http::field::accept, "application/json");
    if (!request_.body.empty()) message.set(http::field::content_type, request_.content_type);
    message.body() = request_.body;  // kept for a second attempt
    message.prepare_payload();
    error_code error;
    co_await http::async_write(connection->stream, message, asio::redirect_error(asio::use_awaitable, error));
    http::response_parser<http::string_body> parser;
    parser.body_limit(core::limits::sync_body_bytes_max);
    parser.header_limit(core::limits::header_bytes_max);
    // Also when the request couldn't be sent whole: the server may have said why before it closed.
    if (done_)
        co_await http::async_read(connection->stream, connection->buffer, parser,
                                  asio::redirect_error(asio::use_awaitable, error));
    answer_began_ = parser.got_some();
    if (error || !done_) {
        failure_ = reason_of(error, *connection);
        co_return;
    }
    reusable_ = parser.keep_alive() && connection->buffer.size() == 0;
    connection->buffer.shrink_to_fit();
    http::response<http::string_body> answer = parser.release();
    response_.emplace();
    response_->status = static_cast<int>(answer.result_int());
    response_->content_type = std::string(answer[http::field::content_type]);
    response_->body = std::move(answer.body());
}

}  // namespace meterbox::platform::https
