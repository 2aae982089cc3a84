// The world's time and order: what happens when, on one thread, the same for the same seed. Everything
// that is simulated asks it for the time and for a turn later.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/time.hpp"
#include "tests/sim/plan.hpp"
#include "tests/sim/tally.hpp"

namespace meterbox::sim {

// A promise was broken.
struct Violation : std::runtime_error {
    using std::runtime_error::runtime_error;
};
inline void require(bool kept, const std::string& promise) {
    if (!kept) throw Violation(promise);
}

// The same where it is asked so often that the words must not be made in vain.
#define SIM_REQUIRE(kept, promise)             \
    do {                                       \
        if (!(kept)) throw Violation(promise); \
    } while (false)

// Everything that went over the world's wires and what came of it, as one number; the last lines as text.
class Trace {
public:
    void add(std::string_view what, std::string_view detail = {});
    std::uint64_t hash() const { return hash_; }
    const std::vector<std::string>& lines() const { return lines_; }
    void keep_lines(bool keep) { keep_ = keep; }
    void at(core::UtcTime now) { now_ = now; }

private:
    std::uint64_t hash_ = 0xcbf29ce484222325u;
    bool keep_ = false;
    core::UtcTime now_;
    std::vector<std::string> lines_;
};

// Who has a clock and timers of its own: a machine.
class Machine {
public:
    virtual ~Machine() = default;
    virtual void advance(std::int64_t ms) = 0;
    // How long until one of its timers is due; a large number: none is.
    virtual std::int64_t next_in_ms() const = 0;
    virtual void run_due() = 0;  // what is due now, and what that makes possible
};

class Schedule {
public:
    explicit Schedule(core::UtcTime begins) : now_(begins) {}

    core::UtcTime now() const { return now_; }
    void after(std::int64_t ms, std::function<void()> then) {
        queue_.emplace(std::pair{now_.ms + std::max<std::int64_t>(0, ms), ++order_}, std::move(then));
    }
    void add(Machine& machine) { machines_.push_back(&machine); }
    // Runs until then; after_step() is called whenever something has happened.
    void run_until(core::UtcTime end, const std::function<void()>& after_step, Trace& trace);

private:
    core::UtcTime now_;
    std::uint64_t order_ = 0;
    std::map<std::pair<std::int64_t, std::uint64_t>, std::function<void()>> queue_;
    std::vector<Machine*> machines_;
};

// What everybody in the world shares.
struct World {
    explicit World(const Plan& of) : plan(of), schedule(world_begins) {}

    core::UtcTime now() const { return schedule.now(); }
    Dice dice(std::string_view name, std::int64_t index = 0) const {
        return Dice::named(plan.seed, name, index);
    }

    const Plan& plan;
    Schedule schedule;
    Tally tally;
    Trace trace;
    bool faults = true;                         // until the plan's length is over
    std::map<std::string, int> copies_at_work;  // of disks, by agent
};

}  // namespace meterbox::sim
