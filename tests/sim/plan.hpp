// What a seed's world is like: who is in it, how long it runs, and how much goes wrong. Not every world
// has every fault, for where everything fails at once little gets far enough to go wrong in a new way.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/resource.hpp"
#include "core/time.hpp"
#include "tests/sim/dice.hpp"

namespace meterbox::sim {

// What a canary breaks, so that it is known to be noticed.
enum class Canary {
    none,
    forgotten_commits,  // a disk that loses what was synced
    booked_twice,       // an account that takes a repeated sync for a new one
    early_answer,       // an agent that acknowledges before its commit
};

// A disk is copied while it is at work, into another machine, which is at work from then on until it is taken
// off.
struct DiskCopy {
    std::size_t agent = 0;
    std::int64_t after_ms = 0;
    std::int64_t lasts_ms = 0;
};

struct Plan {
    explicit Plan(std::uint64_t seed, Canary broken = Canary::none);

    std::uint64_t seed;
    Canary canary;
    std::int64_t length_ms = 0;       // then faults stop
    std::int64_t slowness = 1;        // so many times as seldom, and as long
    std::vector<std::string> agents;  // their teams, by index
    std::vector<std::string> teams;
    std::vector<core::Resource> resources;
    bool is_returnable(const std::string& resource) const;
    // Tokens a unit of each resource, for token_flex and for flex.
    std::vector<std::pair<std::int64_t, std::int64_t>> rates;
    std::map<std::string, std::int64_t> least_rates() const;  // by resource
    std::int64_t sync_interval_ms = 0;
    std::int64_t busy_per_mille = 0;  // of the time, for each product

    // Of each message, in thousandths.
    std::int64_t lost = 0;
    std::int64_t repeated = 0;
    std::int64_t late = 0;  // after its sender has given up
    std::int64_t answer_lost = 0;
    // Mean time between, in ms; 0: never.
    std::int64_t partition_every = 0;
    std::int64_t outage_every = 0;       // everybody is cut off, up to a day
    std::int64_t night_outage_at = 0;    // everybody is cut off while billing cycles begin: when; 0: not
    std::int64_t agent_crash_every = 0;  // each agent
    std::int64_t account_crash_every = 0;
    std::int64_t disk_full_every = 0;
    std::int64_t clock_turn_every = 0;
    std::int64_t suspend_every = 0;
    std::int64_t disk_copied_every = 0;   // each agent's, to be put back later
    std::vector<DiskCopy> disk_copies;    // two at work at once
    bool allowed_with_two = false;        // the operator lets whoever waits go on meanwhile
    std::int64_t store_copied_every = 0;  // the account's, to be put back later
    bool store_put_back_by_hand = false;  // else as a restored backup
    std::int64_t grant_every = 0;
    std::int64_t product_answer_lost = 0;    // in thousandths
    std::int64_t mode_change_every = 0;      // of a resource's enforcement
    std::int64_t offline_horizon_ms = 0;     // until which a lease may be spent
    std::vector<std::int64_t> retire_after;  // of each agent; 0: never
    std::vector<std::int64_t> revoke_after;  // the same
    std::int64_t write_off_every = 0;        // of whatever agent, by an operator
    std::int64_t lost_after_ms = 0;          // by the account itself, after such a silence; 0: never
    std::string lost_policy;                 // as what then
    std::int64_t journal_budget_bytes = 0;   // of each agent; 0: without bounds
    std::int64_t links_kept = 0;             // of each agent's chain; 0: as many as by default
    std::int64_t commit_ms = 0;              // at most, that each half of a commit takes; 0: no time
    std::int64_t rolled_per_mille = 50;      // of what the operator does: another lease key
    std::int64_t held_per_mille = 400;       // of sessions: those that hold, and don't run
    std::int64_t held_at_most = 40;
    bool no_battery = false;  // wall clocks are at 1970 after each boot

    void leave();  // who retires, is revoked, or given up
    void keep_little();
    void copy_disks();
    void keep_few_links();
    void bring_about_what_is_rare();
    void become_long_and_quiet();

    // Whether the enforcement of a resource ever changes; if not, it is as above all the time.
    bool modes_change() const { return mode_change_every > 0; }
};

inline constexpr core::UtcTime world_begins{1'800'000'000'000};

}  // namespace meterbox::sim
