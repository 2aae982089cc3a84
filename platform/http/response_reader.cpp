#include "platform/http/response_reader.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <string>

namespace meterbox::platform::http {
namespace {

namespace beast_http = boost::beast::http;
using boost::beast::string_view;
using BeastError = boost::beast::error_code;

constexpr std::string_view stream_type = "text/event-stream";

std::string lower_case(string_view text) {
    std::string lower(text.data(), text.size());
    for (char& c : lower) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    }
    return lower;
}

class Parser final : public beast_http::basic_parser<false> {
public:
    explicit Parser(ClientResponse& response) : response_(response) {}

private:
    void on_request_impl(beast_http::verb, string_view, string_view, int, BeastError&) override {}
    void on_response_impl(int status, string_view, int, BeastError&) override { response_.status = status; }
    void on_field_impl(beast_http::field field, string_view name, string_view value, BeastError&) override {
        if (field == beast_http::field::content_type)
            response_.content_type.assign(value.data(), value.size());
        response_.headers.emplace_back(lower_case(name), std::string(value.data(), value.size()));
    }
    void on_header_impl(BeastError&) override {}
    void on_body_init_impl(const boost::optional<std::uint64_t>&, BeastError&) override {}
    std::size_t on_body_impl(string_view body, BeastError&) override {
        response_.body.append(body.data(), body.size());
        return body.size();
    }
    void on_chunk_header_impl(std::uint64_t, string_view, BeastError&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, string_view body, BeastError& error) override {
        return on_body_impl(body, error);
    }
    void on_finish_impl(BeastError&) override {}

    ClientResponse& response_;
};

// One block of lines, without the empty line at its end (WHATWG HTML, 9.2.6). none: only comments.
std::optional<ServerEvent> event_of(std::string_view block) {
    ServerEvent event;
    bool has_field = false;
    bool has_data = false;
    while (!block.empty()) {
        std::string_view line = block.substr(0, block.find('\n'));
        block.remove_prefix(std::min(block.size(), line.size() + 1));
        if (line.ends_with('\r')) line.remove_suffix(1);
        const std::size_t colon = line.find(':');
        if (colon == 0) continue;
        const std::string_view name = line.substr(0, colon);
        std::string_view value = colon == line.npos ? std::string_view() : line.substr(colon + 1);
        if (value.starts_with(' ')) value.remove_prefix(1);
        if (name == "event") {
            event.event = value;
        } else if (name == "data") {
            if (has_data) event.data += '\n';
            event.data += value;
            has_data = true;
        }
        has_field = has_field || name == "event" || name == "data";
    }
    if (!has_field) return std::nullopt;
    return event;
}

}  // namespace

struct ResponseReader::State {
    State(bool is_head_request, std::size_t most) : parser(response), body_bytes_max(most) {
        parser.body_limit(boost::none);
        parser.eager(true);
        parser.skip(is_head_request);
    }

    ClientResponse response;
    Parser parser;
    std::size_t body_bytes_max;
    std::string pending;
};

ResponseReader::ResponseReader(bool is_head_request, std::size_t body_bytes_max)
    : state_(std::make_unique<State>(is_head_request, body_bytes_max)) {}
ResponseReader::~ResponseReader() = default;

core::Result<void> ResponseReader::take(std::string_view bytes) {
    State& state = *state_;
    state.pending += bytes;
    std::string_view input = state.pending;
    BeastError failure;
    while (!input.empty() && !state.parser.is_done()) {
        input.remove_prefix(state.parser.put(boost::asio::const_buffer(input.data(), input.size()), failure));
        if (failure) break;
    }
    state.pending.erase(0, state.pending.size() - input.size());
    if (failure && failure != beast_http::error::need_more) {
        return core::Error{core::ErrorCode::malformed, "not an HTTP answer: " + failure.message(), {}, {}};
    }
    if (state.response.body.size() > state.body_bytes_max) {
        return core::Error{core::ErrorCode::malformed, "the answer is too long", {}, {}};
    }
    return {};
}

core::Result<void> ResponseReader::end() {
    State& state = *state_;
    if (state.parser.is_done()) return {};
    BeastError failure = beast_http::error::partial_message;
    if (state.parser.got_some()) state.parser.put_eof(failure);
    if (!failure) return {};
    return core::Error{
        core::ErrorCode::unreachable, "the connection broke off before the answer's end", {}, {}};
}

bool ResponseReader::has_head() const {
    return state_->parser.is_header_done();
}
bool ResponseReader::is_complete() const {
    return state_->parser.is_done();
}
bool ResponseReader::is_stream() const {
    return state_->response.content_type.starts_with(stream_type);
}
ClientResponse& ResponseReader::response() {
    return state_->response;
}

std::optional<ServerEvent> ResponseReader::next_event() {
    std::string& text = state_->response.body;
    while (true) {
        std::size_t end = text.find("\n\n");
        std::size_t skip = 2;
        if (const std::size_t other = text.find("\n\r\n"); other < end) {
            end = other;
            skip = 3;
        }
        if (end == std::string::npos) return std::nullopt;
        std::optional<ServerEvent> event = event_of(std::string_view(text).substr(0, end));
        text.erase(0, end + skip);
        if (event) return event;
    }
}

}  // namespace meterbox::platform::http
