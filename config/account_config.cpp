// The table of the account's keys.
#include "config/account_config.hpp"

#include <charconv>

#include "config/loading.hpp"
#include "config/log_words.hpp"
#include "core/account_limits.hpp"
#include "core/limits.hpp"

namespace meterbox::config {
namespace {

namespace limits = core::limits;

// Whether the host is this machine's, the system says when it listens.
Complaint read_listen(const Value& value, std::string& field) {
    constexpr const char* wanted = "HOST:PORT, such as \"127.0.0.1:9443\"";
    if (value.kind != Value::Kind::text) return wrong_type(value, wanted);
    const std::size_t colon = value.text.rfind(':');
    std::uint16_t port = 0;
    const char* end = value.text.data() + value.text.size();
    const bool has_host = colon != std::string::npos && colon > 0;
    const auto [stop, error] = std::from_chars(has_host ? value.text.data() + colon + 1 : end, end, port);
    if (!has_host || error != std::errc{} || stop != end)
        return quoted(value.text) + " is no address; write " + wanted;
    field = value.text;
    return {};
}

std::vector<KeyRuleOf<AccountConfig>> make_rules() {
    using Config = AccountConfig;
    constexpr auto serve = &Config::serve;
    constexpr auto leases = &Config::leases;
    constexpr Range lease_horizon{limits::lease_horizon_min_ms, limits::lease_horizon_max_ms};
    constexpr Range offline_horizon{limits::offline_horizon_min_ms, limits::offline_horizon_max_ms};
    constexpr Range idle{limits::idle_min_ms, limits::idle_max_ms};
    constexpr Range exposure{1, limits::units_max};
    constexpr Range percent{0, limits::low_percent_max};
    constexpr Range final_after{limits::invoice_final_after_min_ms, limits::invoice_final_after_max_ms};
    constexpr Range keep{limits::keep_min_ms, limits::keep_max_ms};
    return {
        {"serve.listen", "127.0.0.1:9443", as(read_listen, serve, &Config::Serve::listen)},
        {"serve.admin_listen", "127.0.0.1:9444", as(read_listen, serve, &Config::Serve::admin_listen)},
        {"serve.names", "[]", as(read_certificate_names, serve, &Config::Serve::names)},

        {"leases.lease_horizon", "24h",
         as(read_duration_ms, leases, &Config::Leases::lease_horizon_ms, lease_horizon)},
        {"leases.offline_horizon", "30d",
         as(read_duration_ms, leases, &Config::Leases::offline_horizon_ms, offline_horizon)},
        {"leases.idle", "15m", as(read_duration_ms, leases, &Config::Leases::idle_ms, idle)},
        {"leases.payg_exposure", "1000",
         as(read_integer, leases, &Config::Leases::payg_exposure_units, exposure)},

        {"cards.low_percent", "20", as(read_integer, &Config::cards, &Config::Cards::low_percent, percent)},

        {"invoice.final_after", "24h",
         as(read_duration_ms, &Config::invoice, &Config::Invoices::final_after_ms, final_after)},

        {"store.keep_usage", "731d",
         as(read_duration_ms, &Config::store, &Config::Storage::keep_usage_ms, keep)},

        {"log.level", "info", as(read_log_level, &Config::log, &LogSection::level)},
        {"log.format", "text", as(read_log_format, &Config::log, &LogSection::format)},
    };
}

}  // namespace

const std::vector<KeyRuleOf<AccountConfig>>& account_key_rules() {
    static const std::vector<KeyRuleOf<AccountConfig>> rules = make_rules();
    return rules;
}

core::Result<AccountConfig> load_account(Sources sources) {
    sources.default_path = default_account_path;
    return Loading<AccountConfig>(account_key_rules()).load(sources);
}

AccountConfig account_defaults() {
    return Loading<AccountConfig>(account_key_rules()).defaults();
}

}  // namespace meterbox::config
