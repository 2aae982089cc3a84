#include "platform/http/conversation.hpp"

#include <algorithm>
#include <utility>

#include "core/limits.hpp"
#include "platform/http/server_core.hpp"

namespace meterbox::platform::http {

Conversation::Conversation(std::shared_ptr<ServerCore> core, Peer peer)
    : core_(std::move(core)), peer_(std::move(peer)) {}

Conversation::~Conversation() = default;

bool Conversation::may_handle() const {
    return phase_ == Phase::open && answers_.owed() < core_->limits().pipelined_requests_max &&
           answers_.unsent_bytes() < core_->limits().unsent_bytes_max &&
           answers_.held_bytes() < core_->limits().held_bytes_max && core_->has_room();
}

// After each change of what is owed.
void Conversation::account_for_held() {
    const std::size_t before = std::exchange(held_bytes_, answers_.held_bytes());
    core_->note_held(before, held_bytes_);
}

bool Conversation::wants_input() const {
    if (phase_ == Phase::gone || input_ended_) return false;
    return phase_ != Phase::open || (may_handle() && (pending_.empty() || starved_));
}

void Conversation::take_input(std::string_view bytes) {
    starved_ = false;
    if (phase_ != Phase::open) {
        dropped_ += bytes.size();
        if (dropped_ > core_->limits().dropped_body_bytes_max) drop();
        return;
    }
    if (!pending_.empty()) {
        pending_ += bytes;
        handle_pending();
        return;
    }
    parse(bytes);
    if (phase_ == Phase::open && !bytes.empty()) pending_ = bytes;
}

bool Conversation::handle_pending() {
    if (pending_.empty() || starved_ || !may_handle()) return false;
    std::string text = std::move(pending_);
    pending_.clear();
    std::string_view input = text;
    parse(input);
    if (phase_ != Phase::open) return true;
    const std::size_t taken = text.size() - input.size();
    if (input.empty() && text.capacity() > core::limits::kept_buffer_bytes) return true;
    text.erase(0, taken);
    pending_ = std::move(text);
    return taken > 0;
}

void Conversation::parse(std::string_view& input) {
    while (may_handle() && (reader_ || !input.empty())) {
        if (!reader_) reader_ = core_->lend_reader();
        switch (reader_->read(input)) {
            case RequestReader::Progress::head:
                break;
            case RequestReader::Progress::complete:
                handle_request();
                break;
            case RequestReader::Progress::oversized:
                refuse(reader_->error(), !reader_->can_read_past() || !reader_->is_keep_alive());
                break;
            case RequestReader::Progress::bad:
                refuse_rest();
                break;
            case RequestReader::Progress::need_more:
                starved_ = true;
                if (!reader_->has_started()) {
                    give_back_reader();
                    return;
                }
                if (request_began_ms_ == 0) request_began_ms_ = core_->now_ms();
                if (reader_->take_expectation()) continue_owed_ = true;
                owe_continue();
                return;
        }
    }
    if (reader_ && (phase_ != Phase::open || !reader_->has_started())) give_back_reader();
}

void Conversation::handle_request() {
    request_began_ms_ = 0;
    continue_owed_ = false;
    if (reader_->is_oversized()) {  // it was answered when that was seen
        reader_->reset();
        return;
    }
    const bool close = !reader_->is_keep_alive();
    if (refused_) {
        refuse({core::ErrorCode::too_many, "too many connections; close some, or raise the limit", {}, {}},
               true);
        return;
    }
    const Request& request = reader_->request(peer_);
    const std::uint64_t number =
        answers_.open({close, reader_->is_http10() && !close, reader_->is_head()}, request.body().size());
    account_for_held();
    if (close) phase_ = Phase::answering;
    // Away from drop(), which the handler may cause: it reads the request until it returns.
    std::unique_ptr<RequestReader> reader = std::move(reader_);
    core_->handler().handle(request, Responder(shared_from_this(), number));
    reader->reset();
    reader_ = std::move(reader);
    if (phase_ == Phase::gone) give_back_reader();
}

// An oversized request was answered when that was seen; whatever is wrong with its end only ends it.
void Conversation::refuse_rest() {
    if (!reader_->is_oversized()) {
        refuse(reader_->error(), true);
        return;
    }
    phase_ = Phase::answering;
    dropped_ = core_->limits().dropped_body_bytes_max;
}

void Conversation::refuse(const core::Error& error, bool close) {
    if (close) phase_ = Phase::answering;
    const bool head = reader_ && reader_->is_head();
    const bool http10 = reader_ && reader_->is_http10();
    const Response response = problem(error);
    answer(answers_.open({close, http10 && !close, head}), response.status, response.content_type,
           response.body, response.headers);
}

void Conversation::end_of_input() {
    input_ended_ = true;
    if (phase_ == Phase::lingering) {
        drop();
        return;
    }
    if (phase_ != Phase::open) return;
    if (reader_ && reader_->has_started() && !reader_->is_oversized()) {
        refuse({core::ErrorCode::malformed, "the request broke off before its end", {}, {}}, true);
    }
    phase_ = Phase::answering;
    give_back_reader();
}

void Conversation::owe_continue() {
    if (!continue_owed_ || answers_.owed() > 0) return;
    continue_owed_ = false;
    answers_.write_before_first(continue_text);
}

void Conversation::give_back_reader() {
    request_began_ms_ = 0;
    if (reader_) core_->give_back(std::move(reader_));
    reader_.reset();
}

bool Conversation::is_answered(std::uint64_t number) const {
    return phase_ == Phase::gone || !answers_.is_open(number);
}

void Conversation::answer(std::uint64_t number, int status, std::string_view content_type,
                          std::string_view body, const AnswerHeaders& headers) {
    if (is_answered(number)) return;
    AnswerShape shape = answers_.shape(number);
    if (core_->is_draining() && answers_.is_last(number)) shape.close = true;
    answers_.write(number,
                   [&](std::string& out) { append_answer(out, shape, status, content_type, body, headers); });
    finish(number);
}

void Conversation::finish(std::uint64_t number) {
    answers_.finish(number);
    account_for_held();
    owe_continue();
    wake();
}

bool Conversation::start_events(std::uint64_t number, int status) {
    if (is_answered(number) || events_ != Events::none) return false;
    const bool is_head = answers_.shape(number).head;
    answers_.write(number, [&](std::string& out) { append_events_head(out, status); });
    // The connection ends with the stream: what was asked after it is never answered.
    answers_.forget_behind(number);
    answers_.let_go(number);
    account_for_held();
    events_number_ = number;
    phase_ = Phase::answering;
    events_ = Events::open;
    continue_owed_ = false;
    std::string().swap(pending_);
    if (!in_turn_) give_back_reader();
    if (is_head) close_events();
    wake();
    return true;
}

bool Conversation::send_event(std::string_view event, std::string_view data) {
    if (!has_open_events()) return false;
    answers_.write(events_number_, [&](std::string& out) { append_event(out, event, data); });
    if (answers_.unsent_bytes() > core_->limits().unsent_bytes_max) {
        drop();
        return false;
    }
    wake();
    return true;
}

void Conversation::close_events() {
    if (!has_open_events()) return;
    events_ = Events::closed;
    finish(events_number_);
}

boost::asio::io_context& Conversation::context() {
    return core_->context();
}

void Conversation::wake() {
    if (in_turn_ || scheduled || phase_ == Phase::gone) return;
    scheduled = true;
    core_->schedule(shared_from_this());
}

void Conversation::sent(std::size_t bytes) {
    if (bytes > 0) write_began_ms_ = 0;
    answers_.sent(bytes);
}

bool Conversation::wants_shutdown() const {
    return phase_ == Phase::answering && answers_.owed() == 0 && !answers_.has_unsent();
}

void Conversation::was_shut_down() {
    if (input_ended_) {
        drop();
        return;
    }
    phase_ = Phase::lingering;
    lingering_since_ms_ = core_->now_ms();
    core_->settled();
}

// A request that isn't whole yet was not taken: its client hears nothing, and may send it elsewhere.
void Conversation::take_no_more() {
    if (phase_ != Phase::open) return;
    phase_ = Phase::answering;
    continue_owed_ = false;
    std::string().swap(pending_);
    if (!in_turn_) give_back_reader();
    wake();
}

bool Conversation::is_settled() const {
    return phase_ == Phase::lingering || phase_ == Phase::gone;
}

void Conversation::drop() {
    if (phase_ == Phase::gone) return;
    const std::shared_ptr<Conversation> self = shared_from_this();  // remove() lets go of it
    phase_ = Phase::gone;
    deadline_ms_ = never;
    close_stream();
    answers_.clear();
    account_for_held();
    std::string().swap(pending_);
    give_back_reader();
    if (on_gone_) core_->post(std::exchange(on_gone_, nullptr));
    core_->remove(*this);
}

std::int64_t Conversation::write_deadline_ms() const {
    return write_began_ms_ == 0 ? never : write_began_ms_ + core_->limits().write_timeout_ms;
}

std::int64_t Conversation::request_deadline_ms() const {
    if (request_began_ms_ == 0 || !wants_input()) return never;
    return request_began_ms_ + core_->limits().request_timeout_ms;
}

std::int64_t Conversation::rest_deadline_ms() const {
    if (phase_ == Phase::lingering) return lingering_since_ms_ + core::limits::linger_timeout_ms;
    if (phase_ != Phase::open || answers_.owed() > 0 || answers_.has_unsent() || request_began_ms_ != 0)
        return never;
    return last_active_ms_ + (refused_ ? core::limits::linger_timeout_ms : core_->limits().idle_timeout_ms);
}

void Conversation::update_deadline() {
    if (phase_ == Phase::gone) return;
    last_active_ms_ = core_->now_ms();
    if (!answers_.has_unsent()) {
        write_began_ms_ = 0;
    } else if (write_began_ms_ == 0) {
        write_began_ms_ = last_active_ms_;
    }
    deadline_ms_ =
        std::min({given_until_ms_, write_deadline_ms(), request_deadline_ms(), rest_deadline_ms()});
    core_->watch(deadline_ms_);
}

void Conversation::give_until(std::int64_t deadline_ms) {
    given_until_ms_ = deadline_ms;
    update_deadline();
}

bool Conversation::is_idle() const {
    return phase_ == Phase::open && given_until_ms_ == never && answers_.owed() == 0 &&
           !answers_.has_unsent() && request_began_ms_ == 0;
}

void Conversation::expire(std::int64_t now_ms) {
    if (std::min({given_until_ms_, write_deadline_ms(), rest_deadline_ms()}) <= now_ms) {
        drop();
        return;
    }
    if (request_deadline_ms() > now_ms) return;
    if (reader_ && reader_->is_oversized()) {
        drop();
        return;
    }
    const std::string limit = std::to_string(core_->limits().request_timeout_ms);
    refuse({core::ErrorCode::malformed, "the request was not complete within " + limit + " ms", {}, {}},
           true);
    give_back_reader();
}

}  // namespace meterbox::platform::http
