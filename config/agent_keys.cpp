#include "config/agent_keys.hpp"

#include "config/loading.hpp"
#include "config/log_words.hpp"
#include "core/limits.hpp"
#include "core/time.hpp"

namespace meterbox::config {
namespace {

namespace limits = core::limits;

std::vector<KeyRule> make_rules() {
    constexpr auto agent = &AgentConfig::agent;
    constexpr auto products = &AgentConfig::products;
    constexpr auto admin = &AgentConfig::admin;
    constexpr auto account = &AgentConfig::account;
    constexpr auto journal = &AgentConfig::journal;
    constexpr auto log = &AgentConfig::log;
    constexpr Range connections{1, limits::connections_max};
    constexpr Range sessions{1, limits::sessions_max};
    constexpr Range heartbeat{limits::heartbeat_min_ms, limits::heartbeat_max_ms};
    constexpr Range interval{limits::sync_interval_min_ms, limits::sync_interval_max_ms};
    constexpr Range timeout{limits::sync_timeout_min_ms, limits::sync_timeout_max_ms};
    constexpr Range budget{limits::journal_budget_min_bytes, limits::journal_budget_max_bytes};
    constexpr Range checkpoint{limits::checkpoint_min_ms, limits::checkpoint_max_ms};
    constexpr Range keep{limits::keep_min_ms, limits::keep_max_ms};
    return {
        {"agent.name", "", as(read_agent_name, agent, &AgentSection::name)},
        {"agent.state_dir", "/var/lib/meterbox", as(read_path, agent, &AgentSection::state_dir)},

        {"products.socket", "/run/meterbox/products.sock",
         as(read_socket_path, products, &ProductsSection::socket)},
        {"products.group", "meterbox", as(read_text, products, &ProductsSection::group)},
        {"products.mode", "0660", as(read_mode, products, &ProductsSection::mode)},
        {"products.max_connections", "1024",
         as(read_integer, products, &ProductsSection::max_connections, connections)},
        {"products.max_sessions", "16384",
         as(read_integer, products, &ProductsSection::max_sessions, sessions)},
        {"products.heartbeat", "30s",
         as(read_duration_ms, products, &ProductsSection::heartbeat_ms, heartbeat)},
        {"products.allow", "[]", as(read_allow_rules, products, &ProductsSection::allow)},

        {"admin.socket", "/run/meterbox/admin.sock", as(read_socket_path, admin, &AdminSection::socket)},
        {"admin.group", "meterbox-admin", as(read_text, admin, &AdminSection::group)},
        {"admin.listen", "127.0.0.1:9480", as(read_loopback, admin, &AdminSection::listen)},
        {"admin.token_file", "", as(read_text, admin, &AdminSection::token_file)},
        {"admin.allowed_hosts", R"(["localhost", "127.0.0.1", "[::1]"])",
         as(read_hosts, admin, &AdminSection::allowed_hosts)},

        {"account.url", "", as(read_url, account, &AccountSection::url)},
        {"account.ca_file", "", as(read_text, account, &AccountSection::ca_file)},
        {"account.server_name", "", as(read_certificate_name, account, &AccountSection::server_name)},
        {"account.sync_interval", "4m",
         as(read_duration_ms, account, &AccountSection::sync_interval_ms, interval)},
        {"account.sync_timeout", "10s",
         as(read_duration_ms, account, &AccountSection::sync_timeout_ms, timeout)},

        {"journal.budget", "1GiB", as(read_size_bytes, journal, &JournalSection::budget_bytes, budget)},
        {"journal.checkpoint", "5s",
         as(read_duration_ms, journal, &JournalSection::checkpoint_ms, checkpoint)},
        {"journal.keep_events", "62d", as(read_duration_ms, journal, &JournalSection::keep_events_ms, keep)},
        {"journal.keep_usage", "731d", as(read_duration_ms, journal, &JournalSection::keep_usage_ms, keep)},

        {"log.level", "info", as(read_log_level, log, &LogSection::level)},
        {"log.format", "text", as(read_log_format, log, &LogSection::format)},
    };
}

}  // namespace

const std::vector<KeyRule>& agent_key_rules() {
    static const std::vector<KeyRule> rules = make_rules();
    return rules;
}

const KeyRule* find_agent_key(std::string_view key) {
    return Loading<AgentConfig>(agent_key_rules()).find(key);
}

}  // namespace meterbox::config
