// A tranche as the account keeps it: one grant in one cycle, and where its units are. Every unit that
// was purchased is in exactly one place (I1): P = A + C + D + X + leased, each >= 0, where leased is
// the sum of G - U - R over all agents. Open payg has no P and no A: it is leased out of nothing.
//
// A pool of tokens is a tranche that counts tokens and has no resource. Agents never see it: for each
// resource that has a rate there is a tranche of units out of it, and all of these share the pool's tokens.
#pragma once

#include <cstdint>
#include <memory>
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
    bool ended = false;                    // nothing is leased of it any more, whatever the time

    std::int64_t grant = 0;
    core::UtcTime grant_starts_at;
    std::optional<core::UtcTime> grant_ends_at;  // of one with cycles

    std::shared_ptr<Tranche> pool;  // units out of a pool of tokens: that pool
    std::int64_t rate = 1;          // tokens a unit
    bool cycles = false;            // its grant has them

    bool open() const { return !purchased; }
    bool ended_at(core::UtcTime now) const { return ended || (ends_at && now >= *ends_at); }
    bool valid_at(core::UtcTime now) const { return now >= starts_at && !ended_at(now); }
    // Another one of its grant follows at its end.
    bool refreshes() const { return cycles && ends_at && (!grant_ends_at || *ends_at < *grant_ends_at); }
    // When its grant covers nothing any more.
    std::optional<core::UtcTime> last_end() const { return refreshes() ? grant_ends_at : ends_at; }
    // How much was bought in all, in units: out of a pool, what the whole of it would cover.
    std::optional<core::Units> size() const;
    // What is neither charged, in doubt nor expired, leased or not: of a pool, for all resources together.
    // Requires a limit.
    core::Units unspent() const;
    // After others of the same pool have moved: what there is of it now.
    void look_into_pool();
};

// Draw order (R3): the tier; within it the grant that ends soonest, then the smaller, then what started
// first, then the lower id. No end is the latest end, no limit the largest size.
bool drawn_before(const Tranche& a, const Tranche& b);

// The id as agents and admins see it, "t7", and back.
std::string tranche_name(std::int64_t id);
std::optional<std::int64_t> tranche_from(const std::string& name);

}  // namespace meterbox::account
