// A tranche as the account keeps it: one grant in one cycle, and where its units are. Every unit that
// was purchased is in exactly one place (I1): P = A + C + D + X + leased, each >= 0, where leased is
// the sum of G - U - R over all agents. Open payg has no P and no A: it is leased out of nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/quantity.hpp"
#include "core/resource.hpp"
#include "core/time.hpp"

namespace meterbox::account {

struct Tranche {
    std::int64_t id = 0;
    std::string team;
    std::string resource;
    core::Tier tier = core::Tier::free;
    std::optional<core::Units> purchased;  // P; none: open payg
    core::Units available;                 // A
    core::Units charged;                   // C
    core::Units in_doubt;                  // D
    core::Units expired;                   // X
    core::Units leased;                    // sum of G - U - R
    core::UtcTime starts_at;
    std::optional<core::UtcTime> ends_at;  // exclusive

    bool open() const { return !purchased; }
    bool ended_at(core::UtcTime now) const { return ends_at && now >= *ends_at; }
    bool valid_at(core::UtcTime now) const { return now >= starts_at && !ended_at(now); }
};

// Draw order (R3): the tier; within it what ends soonest, then the smaller, then what started first,
// then the lower id. No end is the latest end, no limit the largest size.
bool drawn_before(const Tranche& a, const Tranche& b);

// The id as agents and admins see it, "t7", and back.
std::string tranche_name(std::int64_t id);
std::optional<std::int64_t> tranche_from(const std::string& name);

}  // namespace meterbox::account
