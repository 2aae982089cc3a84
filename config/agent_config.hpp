// The agent's settings, typed, with where each came from. The defaults are in one table
// (config/agent_keys.cpp), config/agent.toml shows them, and a file, the environment and --set override
// them in this order. Reads files when loading and nothing else: no clock, no global state, so that a
// reload is another load().
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace meterbox::config {

inline constexpr std::string_view default_agent_path = "/etc/meterbox/agent.toml";

// One [[products.allow]]: a product may use the resource when uid and gid, as far as given, are its
// own. With no rule at all everyone who can open the socket may use everything.
struct AllowRule {
    std::string resource;              // empty: every resource
    std::optional<std::uint32_t> uid;  // none: any user
    std::optional<std::uint32_t> gid;  // none: any group
    friend bool operator==(const AllowRule&, const AllowRule&) = default;
};

enum class LogLevel { error, warn, info, debug };
enum class LogFormat { text, json };

struct AgentSection {
    std::string name;  // empty: the caller fills in the machine's host name
    std::string state_dir;
    friend bool operator==(const AgentSection&, const AgentSection&) = default;
};

struct ProductsSection {
    std::string socket;
    std::string group;  // empty: the socket's group is left as it is
    std::uint32_t mode = 0;
    std::int64_t max_connections = 0;
    std::int64_t max_sessions = 0;
    std::int64_t heartbeat_ms = 0;
    std::vector<AllowRule> allow;
    friend bool operator==(const ProductsSection&, const ProductsSection&) = default;
};

struct AdminSection {
    std::string socket;
    std::string group;                       // empty: as it is
    std::string listen;                      // "127.0.0.1:9480", a loopback address; empty: off
    std::string token_file;                  // empty: state_dir/admin.token, made by the agent
    std::vector<std::string> allowed_hosts;  // names without port that a Host header may say
    friend bool operator==(const AdminSection&, const AdminSection&) = default;
};

struct AccountSection {
    std::string url;          // https://HOST[:PORT]; empty: what enroll kept in state_dir
    std::string ca_file;      // empty: what enroll kept in state_dir
    std::string server_name;  // empty: the url's host
    std::int64_t sync_interval_ms = 0;
    std::int64_t sync_timeout_ms = 0;
    friend bool operator==(const AccountSection&, const AccountSection&) = default;
};

struct JournalSection {
    std::int64_t budget_bytes = 0;
    std::int64_t checkpoint_ms = 0;
    std::int64_t keep_events_ms = 0;
    std::int64_t keep_usage_ms = 0;
    friend bool operator==(const JournalSection&, const JournalSection&) = default;
};

struct LogSection {
    LogLevel level = LogLevel::info;
    LogFormat format = LogFormat::text;
    friend bool operator==(const LogSection&, const LogSection&) = default;
};

struct Origin {
    enum class Kind { built_in, file, environment, argument };
    Kind kind = Kind::built_in;
    std::string place;  // "default", "/etc/meterbox/agent.toml:12", "METERBOX_LOG_LEVEL", "--set log.level"
    friend bool operator==(const Origin&, const Origin&) = default;
};

struct AgentConfig {
    AgentSection agent;
    ProductsSection products;
    AdminSection admin;
    AccountSection account;
    JournalSection journal;
    LogSection log;
    std::map<std::string, Origin, std::less<>> origins;  // by "section.key", every key has one

    const Origin& origin_of(std::string_view key) const;  // a key of agent_keys()
};

struct Sources {
    std::optional<std::string> path;  // --config: must exist; none: default_path, if it's there
    std::string default_path{default_agent_path};
    std::vector<std::string> sets;             // each --set's "section.key=value"; the last one wins
    const char* const* environment = nullptr;  // as ::environ; null: no environment
};

// An error is one line, "PLACE: section.key: what is wrong; what to do", PLACE being FILE:LINE, the
// variable or the --set. Exit code 2 is its caller's to choose.
[[nodiscard]] core::Result<AgentConfig> load(const Sources& sources);

// What holds when nothing is set.
AgentConfig defaults();

// Every key as "section.key", in the order of the example file.
std::vector<std::string> agent_keys();

}  // namespace meterbox::config
