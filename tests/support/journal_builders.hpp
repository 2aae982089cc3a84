// What a test of the journal puts into it: one resource, "render", with units of a second; leases on one
// tranche of it; events.
#pragma once

#include <string>

#include "agent/journal.hpp"
#include "tests/support/catch.hpp"

namespace meterbox::tests {

inline constexpr core::UtcTime journal_noon{1'800'000'000'000};
inline constexpr std::int64_t journal_unit = 1'000;

inline agent::JournalNow journal_now(core::UtcTime now = journal_noon) {
    return {core::Now::at(now), now, true};
}

inline core::Resource render() {
    core::Resource resource;
    resource.key = "render";
    resource.name = "Render";
    resource.unit_size = core::Amount{journal_unit};
    return resource;
}

inline core::Lease lease(std::int64_t units, std::int64_t number = 1) {
    core::LeaseTranche tranche;
    tranche.tranche = "t1";
    tranche.granted = core::Units{units};
    tranche.valid_from = journal_noon + -400 * core::day_ms;
    core::Lease lease;
    lease.number = number;
    lease.resources = {{"render", core::Amount{journal_unit}, {}, {tranche}}};
    return lease;
}

inline agent::JournalEvent event(int number, std::int64_t amount, core::UtcTime time = journal_noon) {
    agent::JournalEvent entry;
    entry.event.source = "/test";
    entry.event.id = std::to_string(number);
    entry.event.type = "render";
    entry.event.amount = core::Amount{amount};
    entry.identity.bytes[0] = static_cast<std::byte>(number);
    entry.identity.bytes[1] = static_cast<std::byte>(number >> 8);
    entry.time = time;
    return entry;
}

template <class Work>
void transaction(agent::Journal& journal, Work work) {
    REQUIRE(journal.begin());
    work();
    REQUIRE(journal.commit());
}

}  // namespace meterbox::tests
