// What the account's last answer said of one resource, for tests of the gate.
#pragma once

#include "core/gate.hpp"

namespace meterbox::tests {

// The account is in reach, and its card says so many of so many.
inline core::Supply supply_of(std::int64_t available, std::int64_t purchased) {
    core::Supply supply;
    supply.team = core::Card{};
    supply.team->state = core::BalanceState::ok;
    supply.team->available_units = core::Units{available};
    supply.team->purchased_units = core::Units{purchased};
    supply.team->tiers = {{core::Tier::free, core::Units{available}, core::Units{purchased}, {}, {}}};
    supply.reachable = true;
    return supply;
}

}  // namespace meterbox::tests
