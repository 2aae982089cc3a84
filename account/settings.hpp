// What an operator may set of the account, as its rules take it. The file of it, its defaults and ranges:
// config/account_config.hpp.
#pragma once

#include <cstdint>

#include "core/account_limits.hpp"
#include "core/limits.hpp"
#include "core/quantity.hpp"
#include "core/time.hpp"

namespace meterbox::config {
struct AccountConfig;
}

namespace meterbox::account {

struct Settings {
    std::int64_t lease_horizon_ms = core::limits::lease_horizon_default_ms;
    std::int64_t offline_horizon_ms = core::limits::offline_horizon_default_ms;
    std::int64_t idle_ms = core::limits::idle_default_ms;
    core::Units payg_exposure{core::limits::payg_exposure_default_units};
    int low_percent = core::limits::low_percent_default;
    std::int64_t invoice_final_after_ms = core::limits::invoice_final_after_default_ms;
    std::int64_t keep_usage_ms = core::limits::usage_keep_default_ms;
    friend bool operator==(const Settings&, const Settings&) = default;
};

Settings settings_from(const config::AccountConfig& config);

}  // namespace meterbox::account
