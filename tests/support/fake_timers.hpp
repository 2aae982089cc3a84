// Timers on a virtual clock: the fake of the seam Timers. Nothing fires by itself: whoever moves the
// clock calls fire_next(). Fires in the order of due times, at the same time in the order of arming.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "platform/system/clock.hpp"
#include "platform/system/timer.hpp"

namespace meterbox::tests {

class FakeTimers final : public platform::system::Timers {
public:
    explicit FakeTimers(const platform::system::Clock& clock) : clock_(clock) {}

    std::unique_ptr<platform::system::Timer> make(std::function<void()> callback) override {
        return std::make_unique<FakeTimer>(*this, std::move(callback));
    }

    // How long until the next one is due, 0 if one is; none: none is armed.
    std::optional<std::int64_t> next_in_ms() const {
        if (armed_.empty()) return std::nullopt;
        return std::max<std::int64_t>(0, armed_.begin()->first.first - clock_.monotonic_now().ms);
    }
    // Calls the first one that is due; false: none is. Not those that its callback makes due: a loop
    // that asks again gives them their turn.
    bool fire_next() {
        if (armed_.empty() || armed_.begin()->first.first > clock_.monotonic_now().ms) return false;
        FakeTimer* const timer = armed_.begin()->second;
        timer->cancel();
        const std::function<void()> callback = timer->callback;  // it may destroy its timer
        callback();
        return true;
    }

private:
    using Place = std::pair<std::int64_t, std::uint64_t>;  // due, and the how manieth to be armed

    struct FakeTimer final : public platform::system::Timer {
        FakeTimer(FakeTimers& in, std::function<void()> called) : timers(in), callback(std::move(called)) {}
        ~FakeTimer() override { cancel(); }
        void arm(std::int64_t after_ms) override {
            cancel();
            const std::int64_t due = timers.clock_.monotonic_now().ms + std::max<std::int64_t>(0, after_ms);
            place = Place{due, ++timers.armings_};
            timers.armed_.emplace(*place, this);
        }
        void cancel() override {
            if (place) timers.armed_.erase(*place);
            place.reset();
        }
        FakeTimers& timers;
        std::function<void()> callback;
        std::optional<Place> place;
    };

    const platform::system::Clock& clock_;
    std::map<Place, FakeTimer*> armed_;
    std::uint64_t armings_ = 0;
};

}  // namespace meterbox::tests
