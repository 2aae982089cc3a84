// The answers that one connection owes, as bytes in the order of their requests. The first may be
// written straight to the output; those behind it are kept until it is done. Knows neither requests
// nor sockets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "platform/http/response_text.hpp"

namespace meterbox::platform::http {

class AnswerQueue {
public:
    // The number of the answer that is owed now. held: bytes of its request, which its handler may keep.
    std::uint64_t open(AnswerShape shape, std::size_t held = 0);
    std::size_t held_bytes() const { return held_bytes_; }  // of what isn't done
    void let_go(std::uint64_t number);                      // of what its request held
    bool is_open(std::uint64_t number) const;
    std::size_t owed() const { return answers_.size() - first_; }
    bool is_last(std::uint64_t number) const { return number + 1 == next_number_; }

    // Only while it is open.
    const AnswerShape& shape(std::uint64_t number) const { return answers_[index_of(number)].shape; }
    template <class Write>  // void(std::string&), which appends
    void write(std::uint64_t number, Write write);
    void finish(std::uint64_t number);
    void forget_behind(std::uint64_t number);  // they are no longer owed

    void write_before_first(std::string_view text);  // only while nothing is owed

    std::string_view unsent() const { return std::string_view(out_).substr(sent_); }
    void sent(std::size_t bytes);
    // Takes all that is unsent away; sent() is owed for all of it, before anything else is sent.
    std::string take_unsent();
    bool has_unsent() const { return out_.size() > sent_ || in_flight_ > 0; }
    std::size_t unsent_bytes() const { return out_.size() - sent_ + in_flight_ + kept_bytes_; }

    void clear();  // forgets everything, and gives the memory back

private:
    struct Answer {
        std::string text;  // of one that is not the first
        AnswerShape shape;
        std::size_t held = 0;
        bool done = false;
    };

    std::uint64_t first_number() const { return next_number_ - owed(); }
    std::size_t index_of(std::uint64_t number) const {
        return first_ + static_cast<std::size_t>(number - first_number());
    }
    void release();

    std::vector<Answer> answers_;  // a queue, from first_ on
    std::size_t first_ = 0;
    std::uint64_t next_number_ = 0;
    std::size_t kept_bytes_ = 0;  // of those that are not the first
    std::size_t held_bytes_ = 0;
    std::string out_;  // in order, from sent_ on not yet sent
    std::size_t sent_ = 0;
    std::size_t in_flight_ = 0;
};

template <class Write>
void AnswerQueue::write(std::uint64_t number, Write write) {
    if (number == first_number()) {
        write(out_);
        return;
    }
    std::string& text = answers_[index_of(number)].text;
    const std::size_t before = text.size();
    write(text);
    kept_bytes_ += text.size() - before;
}

}  // namespace meterbox::platform::http
