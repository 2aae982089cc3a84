#include "platform/http/answer_queue.hpp"

#include <utility>

#include "core/assert.hpp"
#include "core/limits.hpp"

namespace meterbox::platform::http {

std::uint64_t AnswerQueue::open(AnswerShape shape, std::size_t held) {
    answers_.push_back({{}, shape, held, false});
    held_bytes_ += held;
    return next_number_++;
}

void AnswerQueue::let_go(std::uint64_t number) {
    held_bytes_ -= std::exchange(answers_[index_of(number)].held, 0);
}

bool AnswerQueue::is_open(std::uint64_t number) const {
    return number >= first_number() && number < next_number_ && !answers_[index_of(number)].done;
}

void AnswerQueue::finish(std::uint64_t number) {
    let_go(number);
    answers_[index_of(number)].done = true;
    release();
}

void AnswerQueue::release() {
    while (owed() > 0) {
        Answer& answer = answers_[first_];
        kept_bytes_ -= answer.text.size();
        out_ += answer.text;
        std::string().swap(answer.text);
        if (!answer.done) return;
        ++first_;
        // A queue that never runs empty is moved to the front now and then.
        if (first_ == answers_.size() || first_ >= 2 * core::limits::pipelined_requests_max) {
            answers_.erase(answers_.begin(), answers_.begin() + static_cast<std::ptrdiff_t>(first_));
            first_ = 0;
        }
    }
}

void AnswerQueue::forget_behind(std::uint64_t number) {
    const std::size_t keep = index_of(number) + 1;
    for (std::size_t i = keep; i < answers_.size(); ++i) {
        kept_bytes_ -= answers_[i].text.size();
        held_bytes_ -= answers_[i].held;
    }
    answers_.resize(keep);
    next_number_ = number + 1;
}

void AnswerQueue::write_before_first(std::string_view text) {
    METERBOX_ASSERT(owed() == 0);
    out_ += text;
}

void AnswerQueue::sent(std::size_t bytes) {
    if (in_flight_ > 0) {
        in_flight_ -= bytes;
        return;
    }
    sent_ += bytes;
    if (sent_ == out_.size()) {
        out_.clear();
        sent_ = 0;
        if (out_.capacity() > core::limits::kept_buffer_bytes) out_.shrink_to_fit();
    } else if (sent_ >= core::limits::read_chunk_bytes && sent_ >= out_.size() / 2) {
        out_.erase(0, sent_);
        sent_ = 0;
    }
}

std::string AnswerQueue::take_unsent() {
    METERBOX_ASSERT(in_flight_ == 0);
    std::string bytes = std::move(out_);
    bytes.erase(0, sent_);
    out_.clear();
    sent_ = 0;
    in_flight_ = bytes.size();
    return bytes;
}

void AnswerQueue::clear() {
    std::vector<Answer>().swap(answers_);
    std::string().swap(out_);
    first_ = sent_ = in_flight_ = kept_bytes_ = held_bytes_ = 0;
}

}  // namespace meterbox::platform::http
