#include "tests/sim/world.hpp"

#include <algorithm>

namespace meterbox::sim {

void Trace::add(std::string_view what, std::string_view detail) {
    const auto mix = [this](std::string_view text) {
        for (const char letter : text) hash_ = (hash_ ^ static_cast<unsigned char>(letter)) * 0x100000001b3u;
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
