// The journal's chain: one link a commit. Each link holds the totals that its commit left, as bytes, and a
// hash over those, over the events that came with it and over the hash before it; so whoever changes what
// was committed changes every hash after it, and the account knows one of those. Here are the bytes, which
// are part of the stored format: integers little-endian in 8 bytes, each text after its length in 4. How
// they are hashed is platform's (platform/system/chain_hash.hpp).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/quantity.hpp"
#include "core/time.hpp"

namespace meterbox::core {

struct TrancheTotals {
    std::string tranche;
    Units granted;   // G
    Units used;      // U
    Units returned;  // R
    friend bool operator==(const TrancheTotals&, const TrancheTotals&) = default;
};

// Of one resource whose totals changed. A tranche that isn't named stayed as it was.
struct ResourceTotals {
    std::string resource;
    Amount metered;  // M
    std::vector<TrancheTotals> tranches;
    friend bool operator==(const ResourceTotals&, const ResourceTotals&) = default;
};

// What a commit added to the usage of one resource, hour and subject.
struct UsageAdded {
    std::string resource;
    UtcHour hour;
    std::string subject;
    Amount amount;
    bool metered = true;  // it is in M, too: false where nothing was enforced
    friend bool operator==(const UsageAdded&, const UsageAdded&) = default;
};

// Units that took slots, by tranche and hour, in this commit.
struct UnitsAdded {
    std::string resource;
    std::string tranche;
    UtcHour hour;
    Units units;
    friend bool operator==(const UnitsAdded&, const UnitsAdded&) = default;
};

using StartMark = std::array<std::uint8_t, 8>;

struct LinkState {
    // The first link of each start: random, so that the chains of two copies of a disk part at once. It
    // names every resource and tranche.
    std::optional<StartMark> start;
    // Retention took the events up to this one away.
    std::optional<std::int64_t> forgotten;
    // Counters count from 0 again: this is the incarnation's first link. It names every resource, with the
    // usage that came along as added; tranches of before are over.
    std::optional<std::int64_t> incarnation;
    std::vector<ResourceTotals> resources;
    std::vector<UsageAdded> usage;
    std::vector<UnitsAdded> units;
    friend bool operator==(const LinkState&, const LinkState&) = default;
};

std::string bytes_of(const LinkState& state);
// Refuses anything that bytes_of() doesn't write.
[[nodiscard]] Result<LinkState> link_state_from(std::string_view bytes);

// An event's row, as it is hashed.
struct ChainedEvent {
    std::int64_t number = 0;  // event.seq
    std::int64_t resource = 0;
    std::string_view source;
    std::string_view id;
    std::string_view subject;
    UtcTime time;
    Amount amount;
    UtcTime taken_at;
};
void append_event_frame(std::string& out, const ChainedEvent& event);
// What follows the events of a link: its number, its last event's, its state.
std::string link_frame(std::int64_t sequence, std::int64_t last_event, std::string_view state);

}  // namespace meterbox::core
