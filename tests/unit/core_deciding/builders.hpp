// Short ways to say the values that the tests of core's deciding half are about. Times are plain
// milliseconds of trusted UTC; a lease is a list of tranches in draw order.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/gate.hpp"
#include "core/ledger.hpp"

namespace meterbox::tests {

inline core::Resource resource_of(std::int64_t unit_size,
                                  core::Enforcement enforcement = core::Enforcement::hard) {
    core::Resource resource;
    resource.key = "render";
    resource.name = "Rendering";
    resource.unit_size = core::Amount{unit_size};
    resource.enforcement = enforcement;
    return resource;
}

inline core::LeaseTranche leased(std::string id, core::Tier tier, std::int64_t granted, std::int64_t from = 0,
                                 std::optional<std::int64_t> until = {}) {
    core::LeaseTranche tranche;
    tranche.tranche = std::move(id);
    tranche.tier = tier;
    tranche.granted = core::Units{granted};
    tranche.valid_from = {from};
    if (until) tranche.ends_at = core::UtcTime{*until};
    return tranche;
}

inline core::LeaseTranche open_payg(std::string id, std::int64_t granted) {
    core::LeaseTranche tranche = leased(std::move(id), core::Tier::payg, granted);
    tranche.payg_open = true;
    return tranche;
}

inline core::LeaseResource lease_of(std::int64_t unit_size, std::vector<core::LeaseTranche> tranches) {
    core::LeaseResource lease;
    lease.key = "render";
    lease.unit_size = core::Amount{unit_size};
    lease.tranches = std::move(tranches);
    return lease;
}

inline core::ResourceLedger ledger_with(std::int64_t unit_size, std::vector<core::LeaseTranche> tranches) {
    core::ResourceLedger ledger{resource_of(unit_size)};
    (void)ledger.take_lease(lease_of(unit_size, std::move(tranches)), core::Now::at({0}));
    return ledger;
}

inline core::Now at(std::int64_t ms) {
    return core::Now::at({ms});
}

// Meters and says how many units took slots.
inline std::int64_t charge(core::ResourceLedger& ledger, std::int64_t amount, core::Now now = at(0)) {
    std::int64_t units = 0;
    for (const core::Completion& completion : ledger.meter(core::Amount{amount}, now))
        units += completion.units.value();
    return units;
}

inline std::int64_t used_of(const core::ResourceLedger& ledger, const std::string& tranche_id) {
    for (const core::Tranche& tranche : ledger.tranches())
        if (tranche.id == tranche_id) return tranche.used.value();
    return -1;
}

}  // namespace meterbox::tests
