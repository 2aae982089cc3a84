// What an operator may set of the account. Its defaults hold until there is a file for them.
#pragma once

#include <cstdint>

#include "core/limits.hpp"
#include "core/quantity.hpp"
#include "core/time.hpp"

namespace meterbox::account {

struct Settings {
    std::int64_t lease_horizon_ms = core::limits::lease_horizon_default_ms;
    std::int64_t offline_horizon_ms = core::limits::offline_horizon_default_ms;
    std::int64_t idle_ms = 15 * core::minute_ms;
    core::Units payg_exposure{core::limits::payg_exposure_default_units};
    int low_percent = 20;
    std::int64_t invoice_final_after_ms = core::limits::invoice_final_after_default_ms;
};

}  // namespace meterbox::account
