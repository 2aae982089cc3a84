#include "platform/http/request_reader.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <optional>

#include "core/assert.hpp"

namespace meterbox::platform::http {
namespace {

namespace beast_http = boost::beast::http;
using boost::beast::string_view;
using BeastError = boost::beast::error_code;

struct Span {
    std::size_t begin = 0;
    std::size_t size = 0;
};

// What is kept of one request. Header and body are in two strings, reused from request to request.
struct Message {
    std::string text;
    std::string decoded_path;
    std::string body;
    std::vector<std::pair<Span, Span>> fields;
    Span method;
    Span target;
    std::size_t body_bytes = 0;  // received, also when they aren't kept
    std::size_t body_bytes_max = 0;
    std::uint64_t chunk_bytes_announced = 0;  // of the largest
    int transfer_encodings = 0;
    bool plain_chunked = false;  // Transfer-Encoding was exactly "chunked"
    bool head_done = false;
    bool http10 = false;
    bool expects_continue = false;

    Span keep(string_view part) {
        const Span span{text.size(), part.size()};
        text.append(part.data(), part.size());
        return span;
    }
    std::string_view at(Span span) const { return std::string_view(text).substr(span.begin, span.size); }

    void clear() {
        text.clear();
        decoded_path.clear();
        body.clear();
        if (body.capacity() > core::limits::read_chunk_bytes) body.shrink_to_fit();
        fields.clear();
        body_bytes = 0;
        chunk_bytes_announced = 0;
        transfer_encodings = 0;
        plain_chunked = head_done = http10 = expects_continue = false;
    }
};

class Parser final : public beast_http::basic_parser<true> {
public:
    explicit Parser(Message& message) : message_(message) {}

private:
    void on_request_impl(beast_http::verb, string_view method, string_view target, int version,
                         BeastError&) override {
        message_.method = message_.keep(method);
        message_.target = message_.keep(target);
        message_.http10 = version == 10;
    }
    void on_response_impl(int, string_view, int, BeastError&) override {}

    void on_field_impl(beast_http::field field, string_view name, string_view value, BeastError&) override {
        if (message_.head_done) return;  // a trailer: nothing here uses any
        if (field == beast_http::field::transfer_encoding) {
            ++message_.transfer_encodings;
            message_.plain_chunked = same_token(std::string_view(value.data(), value.size()), "chunked");
        } else if (field == beast_http::field::expect) {
            message_.expects_continue =
                same_token(std::string_view(value.data(), value.size()), "100-continue");
        }
        const Span kept_name = message_.keep(name);
        message_.fields.emplace_back(kept_name, message_.keep(value));
    }
    void on_header_impl(BeastError&) override { message_.head_done = true; }
    void on_body_init_impl(const boost::optional<std::uint64_t>&, BeastError&) override {}
    std::size_t on_body_impl(string_view body, BeastError&) override {
        message_.body_bytes += body.size();
        if (message_.body_bytes <= message_.body_bytes_max) message_.body.append(body.data(), body.size());
        return body.size();
    }
    void on_chunk_header_impl(std::uint64_t size, string_view, BeastError&) override {
        message_.chunk_bytes_announced = std::max(message_.chunk_bytes_announced, size);
    }
    std::size_t on_chunk_body_impl(std::uint64_t, string_view body, BeastError& error) override {
        return on_body_impl(body, error);
    }
    void on_finish_impl(BeastError&) override {}

    Message& message_;
};

}  // namespace

struct RequestReader::State {
    explicit State(const Limits& l) : limits(l) { message.body_bytes_max = l.body_bytes_max; }
    bool is_endless() const {
        return message.body_bytes > limits.body_bytes_max + limits.dropped_body_bytes_max;
    }

    const Limits& limits;
    Message message;
    std::optional<Parser> parser;
    std::size_t header_bytes = 0;
    bool oversized = false;
    bool read_past = false;
    core::Error error;
    Request request;
};

RequestReader::RequestReader(const Limits& limits) : state_(std::make_unique<State>(limits)) {
    reset();
}
RequestReader::~RequestReader() = default;

void RequestReader::reset() {
    state_->message.clear();
    state_->parser.emplace(state_->message);
    state_->parser->body_limit(boost::none);  // ours, because reading goes on past it
    state_->parser->header_limit(static_cast<std::uint32_t>(state_->limits.header_bytes_max + 1));
    state_->header_bytes = 0;
    state_->oversized = state_->read_past = false;
}

RequestReader::Progress RequestReader::fail(core::ErrorCode code, std::string detail) {
    state_->error = core::Error{code, std::move(detail), std::nullopt, {}};
    return Progress::bad;
}

RequestReader::Progress RequestReader::read(std::string_view& input) {
    State& state = *state_;
    Parser& parser = *state.parser;
    // Of an oversized body more may have come with what made it one.
    if (parser.is_done()) return Progress::complete;
    if (state.is_endless()) return fail(core::ErrorCode::too_large, "the body doesn't end");
    if (!parser.got_some()) {
        while (input.starts_with("\r\n")) input.remove_prefix(2);  // RFC 9112, 2.2
        if (input.empty() || input == "\r") return Progress::need_more;
    }
    if (input.empty()) return Progress::need_more;
    const bool head_was_done = state.message.head_done;
    BeastError failure;
    const std::size_t taken = parser.put(boost::asio::const_buffer(input.data(), input.size()), failure);
    input.remove_prefix(taken);
    if (!head_was_done) state.header_bytes += taken;

    const bool starved = failure == beast_http::error::need_more;
    const std::size_t header_bytes = state.header_bytes + (state.message.head_done ? 0 : input.size());
    if (failure == beast_http::error::header_limit || header_bytes > state.limits.header_bytes_max) {
        return fail(core::ErrorCode::headers_too_large, "the request's header is longer than " +
                                                            std::to_string(state.limits.header_bytes_max) +
                                                            " bytes; shorten its path or header fields");
    }
    if (failure && !starved) return fail(core::ErrorCode::malformed, "not HTTP/1.1: " + failure.message());
    if (!state.message.head_done) return Progress::need_more;
    return head_was_done ? read_body_progress(input, starved) : check_head();
}

RequestReader::Progress RequestReader::check_head() {
    State& state = *state_;
    const Message& message = state.message;
    // A Transfer-Encoding that isn't understood leaves the end of the body open to two readings.
    if (message.transfer_encodings > 0 &&
        (message.http10 || message.transfer_encodings > 1 || !message.plain_chunked)) {
        return fail(core::ErrorCode::malformed,
                    "the only Transfer-Encoding understood is \"chunked\", of HTTP/1.1");
    }
    if (!resolve_target()) {
        return fail(core::ErrorCode::malformed,
                    "the path holds a percent sign without two hexadecimal digits");
    }
    const auto length = state.parser->content_length();
    if (length && *length > state.limits.body_bytes_max) {
        const std::size_t near_enough = state.limits.body_bytes_max + state.limits.dropped_body_bytes_max;
        state.read_past = *length <= near_enough && !message.expects_continue;
        return read_body_progress({}, false);
    }
    state.parser->eager(true);  // all chunks that are there at once
    return state.parser->is_done() ? Progress::complete : Progress::head;
}

RequestReader::Progress RequestReader::read_body_progress(std::string_view input, bool starved) {
    State& state = *state_;
    const auto length = state.parser->content_length();
    const bool is_over = (length && *length > state.limits.body_bytes_max) ||
                         state.message.body_bytes > state.limits.body_bytes_max ||
                         state.message.chunk_bytes_announced > state.limits.body_bytes_max;
    if (is_over && !state.oversized) {
        state.oversized = true;
        const std::size_t near_enough = state.limits.body_bytes_max + state.limits.dropped_body_bytes_max;
        if (!length) state.read_past = state.message.chunk_bytes_announced <= near_enough;
        std::string().swap(state.message.body);
        fail(core::ErrorCode::too_large, "the body is longer than " +
                                             std::to_string(state.limits.body_bytes_max) +
                                             " bytes; send it in parts");
        return Progress::oversized;
    }
    if (state.parser->is_done()) return Progress::complete;
    if (state.is_endless()) return fail(core::ErrorCode::too_large, "the body doesn't end");
    // The frame of a chunk, and trailers, are all that the parser leaves for later.
    if (starved && input.size() > state.limits.header_bytes_max) {
        return fail(core::ErrorCode::malformed, "the frame of a chunk, or the trailer, is too long");
    }
    return Progress::need_more;
}

bool RequestReader::resolve_target() {
    State& state = *state_;
    Request& request = state.request;
    std::string_view target = state.message.at(state.message.target);
    request.target_ = target;
    // The absolute form, as sent to a proxy: http://host/path (RFC 9112, 3.2.2). Its path may be left out.
    const std::size_t scheme = target.find("://");
    const bool absolute = !target.starts_with('/') && scheme != target.npos;
    if (absolute) target.remove_prefix(std::min(target.find_first_of("/?", scheme + 3), target.size()));
    const std::size_t mark = target.find('?');
    request.raw_path_ = target.substr(0, mark);
    if (absolute && request.raw_path_.empty()) request.raw_path_ = "/";
    request.query_ = mark == target.npos ? std::string_view() : target.substr(mark + 1);
    request.path_ = request.raw_path_;
    if (request.raw_path_.find('%') == std::string_view::npos) return true;
    auto decoded = percent_decode(request.raw_path_);
    if (!decoded) return false;
    state.message.decoded_path = std::move(*decoded);
    request.path_ = state.message.decoded_path;
    return true;
}

const Request& RequestReader::request(const Peer& peer) {
    Request& request = state_->request;
    const Message& message = state_->message;
    request.method_ = is_head() ? std::string_view("GET") : message.at(message.method);
    request.fields_.clear();
    for (const auto& [name, value] : message.fields) {
        request.fields_.push_back(Field{message.at(name), message.at(value)});
    }
    request.body_ = message.body;
    request.peer_ = &peer;
    return request;
}

const core::Error& RequestReader::error() const {
    return state_->error;
}
bool RequestReader::has_started() const {
    return state_->parser->got_some();
}
bool RequestReader::is_keep_alive() const {
    return state_->parser->keep_alive();
}
bool RequestReader::is_http10() const {
    return state_->message.http10;
}
bool RequestReader::is_head() const {
    return state_->message.at(state_->message.method) == "HEAD";
}
bool RequestReader::take_expectation() {
    Message& message = state_->message;
    const bool waits = message.head_done && message.expects_continue && !message.http10 &&
                       message.body_bytes == 0 && !state_->parser->is_done() && !state_->oversized;
    if (message.head_done) message.expects_continue = false;
    return waits;
}
bool RequestReader::is_oversized() const {
    return state_->oversized;
}
bool RequestReader::can_read_past() const {
    return state_->read_past;
}

}  // namespace meterbox::platform::http
