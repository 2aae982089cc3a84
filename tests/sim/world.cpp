#include "tests/sim/world.hpp"

#include <algorithm>
#include <cstring>

namespace meterbox::sim {

void Trace::add(std::string_view what, std::string_view detail) {
    // Eight bytes at a time: what is said is long, and said often.
    const auto mix = [this](std::string_view text) {
        const auto add_word = [this](std::uint64_t word) {
            hash_ = (hash_ ^ word) * 0x9e3779b97f4a7c15u;
            hash_ ^= hash_ >> 29;
        };
        while (!text.empty()) {
            std::uint64_t word = 0;
            const std::size_t bytes = std::min(text.size(), sizeof word);
            std::memcpy(&word, text.data(), bytes);
            add_word(word);
            text.remove_prefix(bytes);
        }
        add_word(0xff);  // where one text ends and the next begins
    };
    const std::string time = std::to_string(now_.ms);
    mix(time);
    mix(what);
    mix(detail);
    if (keep_)
        lines_.push_back(core::format_rfc3339(now_) + " " + std::string(what) + " " + std::string(detail));
}

void Schedule::run_until(core::UtcTime end, const std::function<void()>& after_step, Trace& trace) {
    trace.at(now_);
    for (Machine* machine : machines_) machine->run_due();
    for (;;) {
        std::int64_t wait = end - now_;
        if (!queue_.empty()) wait = std::min(wait, queue_.begin()->first.first - now_.ms);
        for (const Machine* machine : machines_) wait = std::min(wait, machine->next_in_ms());
        wait = std::max<std::int64_t>(0, wait);
        if (wait > 0) {
            for (Machine* machine : machines_) machine->advance(wait);
            now_ = now_ + wait;
            trace.at(now_);
        }
        if (now_ >= end) return;
        while (!queue_.empty() && queue_.begin()->first.first <= now_.ms) {
            const std::function<void()> then = std::move(queue_.begin()->second);
            queue_.erase(queue_.begin());
            then();
            for (Machine* machine : machines_) machine->run_due();
            after_step();
        }
        for (Machine* machine : machines_) machine->run_due();
        after_step();
    }
}

}  // namespace meterbox::sim
