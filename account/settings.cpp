// From the file's sections.
#include "account/settings.hpp"

#include "config/account_config.hpp"

namespace meterbox::account {

Settings settings_from(const config::AccountConfig& config) {
    Settings settings;
    settings.lease_horizon_ms = config.leases.lease_horizon_ms;
    settings.offline_horizon_ms = config.leases.offline_horizon_ms;
    settings.idle_ms = config.leases.idle_ms;
    settings.payg_exposure = core::Units{config.leases.payg_exposure_units};
    settings.low_percent = static_cast<int>(config.cards.low_percent);
    settings.invoice_final_after_ms = config.invoice.final_after_ms;
    settings.keep_usage_ms = config.store.keep_usage_ms;
    return settings;
}

}  // namespace meterbox::account
