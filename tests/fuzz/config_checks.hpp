// What holds of any settings that were taken: every number lies in the range that its limits allow, and
// each key has an origin.
#pragma once

#include "config/account_url.hpp"
#include "config/agent_config.hpp"
#include "core/limits.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace meterbox::fuzz {

inline void check_config(const config::AgentConfig& settings) {
    namespace limits = core::limits;
    const auto within = [](std::int64_t value, std::int64_t min, std::int64_t max) {
        METERBOX_ASSERT(value >= min && value <= max);
    };
    within(settings.products.mode, 0, 0777);
    within(settings.products.max_connections, 1, limits::connections_max);
    within(settings.products.max_sessions, 1, limits::sessions_max);
    within(settings.products.heartbeat_ms, limits::heartbeat_min_ms, limits::heartbeat_max_ms);
    within(settings.account.sync_interval_ms, limits::sync_interval_min_ms, limits::sync_interval_max_ms);
    within(settings.account.sync_timeout_ms, limits::sync_timeout_min_ms, limits::sync_timeout_max_ms);
    within(settings.journal.budget_bytes, limits::journal_budget_min_bytes, limits::journal_budget_max_bytes);
    within(settings.journal.checkpoint_ms, limits::checkpoint_min_ms, limits::checkpoint_max_ms);
    within(settings.journal.keep_events_ms, limits::keep_min_ms, limits::keep_max_ms);
    within(settings.journal.keep_usage_ms, limits::keep_min_ms, limits::keep_max_ms);
    METERBOX_ASSERT(!settings.agent.state_dir.empty());
    METERBOX_ASSERT(settings.products.socket != settings.admin.socket);
    METERBOX_ASSERT(settings.account.url.empty() || config::parse_account_url(settings.account.url));
    for (const std::string& host : settings.admin.allowed_hosts) METERBOX_ASSERT(config::is_host(host));
    for (const std::string& key : config::agent_keys())
        METERBOX_ASSERT(!settings.origin_of(key).place.empty());
}

}  // namespace meterbox::fuzz
