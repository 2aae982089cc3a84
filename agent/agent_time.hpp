// The agent's clocks together: the machine's, and the trusted one that is carried by them. One object,
// used on the loop thread; its record is stored with the journal's commits.
#pragma once

#include <string>

#include "agent/build_day.hpp"
#include "agent/journal.hpp"
#include "core/trusted_clock.hpp"
#include "platform/system/clock.hpp"

namespace meterbox::agent {

// What the journal keeps of the clock. Within the same boot, the time that it was is carried on.
core::ClockRecord clock_record(const Journal& journal);
std::string clock_to_json(const core::ClockRecord& record);  // as Journal::keep_clock() takes it

class AgentTime {
public:
    AgentTime(const platform::system::Clock& clock, core::ClockRecord record)
        : clock_(clock), trusted_(std::move(record), clock.boot_id(), clock.boot_now()) {}

    core::ClockReading read() const { return {clock_.wall_now(), clock_.boot_now(), clock_.monotonic_now()}; }
    core::MonotonicTime monotonic() const { return clock_.monotonic_now(); }
    core::BootTime boot() const { return clock_.boot_now(); }
    core::UtcTime wall() const { return clock_.wall_now(); }
    core::UtcTime utc() const { return trusted_.now(read()); }
    core::Now range() const { return trusted_.range(read()); }
    std::string boot_id() const { return clock_.boot_id(); }
    // By what certificates are judged: never earlier than this program was built. The wall clock counts
    // only where nothing was ever trusted.
    core::UtcTime for_certificates() const { return trusted_.judging(read(), build_day()); }
    JournalNow journal_now() const {
        const core::ClockReading reading = read();
        return {trusted_.range(reading), trusted_.now(reading),
                trusted_.quality() != core::ClockQuality::unset};
    }
    ModeMoment mode_moment() const { return {clock_.monotonic_now(), clock_.boot_id()}; }
    std::string record_text() const { return clock_to_json(trusted_.record(read())); }
    core::TrustedClock& trusted() { return trusted_; }
    const core::TrustedClock& trusted() const { return trusted_; }

private:
    const platform::system::Clock& clock_;
    core::TrustedClock trusted_;
};

}  // namespace meterbox::agent
