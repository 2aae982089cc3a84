#include "platform/http/server_core.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>
#include <limits>
#include <utility>

#include "core/limits.hpp"

namespace meterbox::platform::http {
namespace {

constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t spare_readers_max = 16;

// Deadlines are kept to an eighth of the shortest of them, and no finer than a second where they are long.
std::int64_t sweep_spacing_of(const Limits& limits) {
    const std::int64_t shortest =
        std::min({limits.request_timeout_ms, limits.idle_timeout_ms, limits.write_timeout_ms});
    return std::clamp<std::int64_t>(shortest / 8, 5, 1'000);
}

}  // namespace

ServerCore::ServerCore(boost::asio::io_context& context, Handler& handler, Limits limits)
    : context_(context),
      handler_(handler),
      limits_(limits),
      timer_(context),
      drain_timer_(context),
      next_sweep_ms_(never),
      sweep_spacing_ms_(sweep_spacing_of(limits)) {}

void ServerCore::add(std::shared_ptr<Listener> listener) {
    listeners_.push_back(std::move(listener));
}

void ServerCore::stop() {
    stopped_ = true;
    stop_listening();
    timer_.cancel();
    drain_timer_.cancel();
    on_drained_ = nullptr;
    while (!conversations_.empty()) {
        conversations_.back()->drop();
    }
    scheduled_.clear();
    readers_.clear();
}

void ServerCore::stop_listening() {
    for (const auto& listener : listeners_) {
        listener->stop();
    }
    listeners_.clear();
}

void ServerCore::drain(std::int64_t timeout_ms, std::function<void()> done) {
    draining_ = true;
    on_drained_ = std::move(done);
    stop_listening();
    for (const auto& conversation : conversations_) conversation->take_no_more();
    drain_timer_.expires_after(std::chrono::milliseconds(timeout_ms));
    drain_timer_.async_wait([self = shared_from_this()](const boost::system::error_code& cancelled) {
        if (!cancelled) self->drained();
    });
    settled();
}

// Once for all that settle in one turn.
void ServerCore::settled() {
    if (!on_drained_ || check_posted_) return;
    check_posted_ = true;
    boost::asio::post(context_, [self = shared_from_this()] {
        self->check_posted_ = false;
        self->check_drained();
    });
}

void ServerCore::check_drained() {
    const auto is_settled = [](const auto& conversation) { return conversation->is_settled(); };
    if (std::ranges::all_of(conversations_, is_settled)) drained();
}

void ServerCore::drained() {
    drain_timer_.cancel();
    if (on_drained_) std::exchange(on_drained_, nullptr)();
}

ServerCore::Admission ServerCore::admission() {
    if (conversations_.size() - refused_ < limits_.connections_max) return Admission::taken;
    if (limits_.yields_idle && yield_idle()) return Admission::taken;
    return refused_ < core::limits::refused_connections_max ? Admission::refused : Admission::turned_away;
}

// A client that is kept open for its next request opens another one then; and who connects and says nothing,
// not even a handshake, keeps nobody out.
bool ServerCore::yield_idle() {
    std::shared_ptr<Conversation> idlest;
    for (const auto& conversation : conversations_) {
        const bool asks_nothing = conversation->is_idle() || conversation->is_greeting();
        if (!asks_nothing || conversation->is_refused()) continue;
        if (!idlest || conversation->last_active_ms() < idlest->last_active_ms()) idlest = conversation;
    }
    if (!idlest) return false;
    idlest->drop();
    return true;
}

void ServerCore::note_held(std::size_t before, std::size_t now) {
    held_bytes_ += now - before;
    if (held_bytes_ >= limits_.all_held_bytes_max) full_ = true;
    if (!full_ || held_bytes_ > limits_.all_held_bytes_max / 2) return;
    full_ = false;
    for (const auto& conversation : conversations_) conversation->wake();
}

void ServerCore::admit(std::shared_ptr<Conversation> conversation) {
    conversation->place = conversations_.size();
    if (conversation->is_refused()) ++refused_;
    conversations_.push_back(std::move(conversation));
}

void ServerCore::remove(Conversation& conversation) {
    const std::size_t place = conversation.place;
    if (conversation.is_refused()) --refused_;
    const std::shared_ptr<Conversation> kept =
        std::move(conversations_[place]);  // alive until the end of this
    if (place + 1 != conversations_.size()) {
        conversations_[place] = std::move(conversations_.back());
        conversations_[place]->place = place;
    }
    conversations_.pop_back();
    settled();
}

void ServerCore::schedule(std::shared_ptr<Conversation> conversation) {
    if (scheduled_.empty()) {
        boost::asio::post(context_, [self = shared_from_this()] { self->advance_scheduled(); });
    }
    scheduled_.push_back(std::move(conversation));
}

void ServerCore::advance_scheduled() {
    const std::size_t count = std::min(scheduled_.size(), core::limits::conversations_a_turn_max);
    std::vector<std::shared_ptr<Conversation>> now;
    if (count == scheduled_.size()) {
        now.swap(scheduled_);
    } else {
        const auto end = scheduled_.begin() + static_cast<std::ptrdiff_t>(count);
        now.assign(std::make_move_iterator(scheduled_.begin()), std::make_move_iterator(end));
        scheduled_.erase(scheduled_.begin(), end);
        boost::asio::post(context_, [self = shared_from_this()] { self->advance_scheduled(); });
    }
    // All answers first, back to back: a client that waits for many is woken once and not for each.
    for (const auto& conversation : now) {
        conversation->scheduled = false;
        conversation->write_answers();
    }
    for (const auto& conversation : now) conversation->advance();
    now.clear();
    if (scheduled_.empty()) now.swap(scheduled_);  // keeps its memory for the next time
}

void ServerCore::post(std::function<void()> callback) {
    boost::asio::post(context_, std::move(callback));
}

std::int64_t ServerCore::now_ms() const {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

void ServerCore::watch(std::int64_t deadline_ms) {
    if (stopped_ || deadline_ms >= next_sweep_ms_) return;
    next_sweep_ms_ = deadline_ms;
    timer_.expires_after(std::chrono::milliseconds(std::max<std::int64_t>(deadline_ms - now_ms(), 0) + 1));
    timer_.async_wait([self = shared_from_this()](const boost::system::error_code& failure) {
        if (!failure) self->sweep();
    });
}

void ServerCore::sweep() {
    const std::int64_t now = now_ms();
    // From the back: expire() may remove its conversation, which moves the last one to its place.
    for (std::size_t i = conversations_.size(); i-- > 0;) {
        if (i >= conversations_.size()) continue;
        if (conversations_[i]->deadline_ms() <= now) {
            const std::shared_ptr<Conversation> conversation = conversations_[i];
            conversation->expire(now);
        }
    }
    std::int64_t next = never;
    for (const auto& conversation : conversations_) {
        next = std::min(next, conversation->deadline_ms());
    }
    next_sweep_ms_ = never;
    if (next != never) watch(std::max(next, now + sweep_spacing_ms_));
}

std::span<char> ServerCore::scratch() {
    if (!scratch_) scratch_.reset(new char[core::limits::read_chunk_bytes]);
    return {scratch_.get(), core::limits::read_chunk_bytes};
}

std::unique_ptr<RequestReader> ServerCore::lend_reader() {
    if (readers_.empty()) return std::make_unique<RequestReader>(limits_);
    std::unique_ptr<RequestReader> reader = std::move(readers_.back());
    readers_.pop_back();
    return reader;
}

void ServerCore::give_back(std::unique_ptr<RequestReader> reader) {
    if (readers_.size() >= spare_readers_max) return;
    reader->reset();
    readers_.push_back(std::move(reader));
}

}  // namespace meterbox::platform::http
