#include "agent/usage_rate.hpp"

namespace meterbox::agent {

namespace {
constexpr std::int64_t hours_kept = 24;
constexpr std::int64_t idle_after_ms = 15 * core::minute_ms;
}  // namespace

void UsageRate::observe(const std::string& resource, core::Amount metered, core::UtcTime now) {
    Series& series = series_[resource];
    const std::int64_t hour = core::hour_of(now).number;
    if (series.started && metered > series.metered) {
        series.hours[hour] += metered - series.metered;
        series.active_at = now;
    }
    if (!series.started) series.active_at = now;
    series.started = true;
    series.metered = metered;
    while (!series.hours.empty() && series.hours.begin()->first <= hour - hours_kept)
        series.hours.erase(series.hours.begin());
}

void UsageRate::needed(const std::string& resource, core::UtcTime now) {
    series_[resource].active_at = now;
}

void UsageRate::remember(const std::string& resource, core::Amount last_day, core::UtcTime now) {
    if (last_day > core::Amount{})
        series_[resource].hours[core::hour_of(now).number - hours_kept / 2] = last_day;
}

core::Amount UsageRate::mean_per_hour(const std::string& resource) const {
    const auto found = series_.find(resource);
    if (found == series_.end()) return {};
    core::Amount sum;
    for (const auto& [hour, amount] : found->second.hours) sum += amount;
    return core::Amount{sum.value() / hours_kept};
}

bool UsageRate::idle(const std::string& resource, core::UtcTime now) const {
    const auto found = series_.find(resource);
    return found == series_.end() || now - found->second.active_at >= idle_after_ms;
}

}  // namespace meterbox::agent
