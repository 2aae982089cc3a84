// The account's settings, typed, with where each came from: as the agent's (agent_config.hpp), from
// /etc/meterbox/account.toml, the environment and --set. config/account.toml shows the defaults.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/agent_config.hpp"  // Sources, Origin, LogSection
#include "config/key_rule.hpp"
#include "core/error.hpp"

namespace meterbox::config {

inline constexpr std::string_view default_account_path = "/etc/meterbox/account.toml";

struct AccountConfig {
    struct Serve {
        std::string listen;        // HOST:PORT for agents
        std::string admin_listen;  // HOST:PORT for admins
        std::vector<std::string> names;
    };
    struct Leases {
        std::int64_t lease_horizon_ms = 0;
        std::int64_t offline_horizon_ms = 0;
        std::int64_t idle_ms = 0;
        std::int64_t payg_exposure_units = 0;
    };
    struct Cards {
        std::int64_t low_percent = 0;
    };
    struct Invoices {
        std::int64_t final_after_ms = 0;
    };
    struct Storage {
        std::int64_t keep_usage_ms = 0;
    };
    Serve serve;
    Leases leases;
    Cards cards;
    Invoices invoice;
    Storage store;
    LogSection log;
    std::map<std::string, Origin, std::less<>> origins;  // by "section.key", every key has one
};

// default_path of the sources is not looked at: it is default_account_path unless `path` is given.
[[nodiscard]] core::Result<AccountConfig> load_account(Sources sources);
AccountConfig account_defaults();
const std::vector<KeyRuleOf<AccountConfig>>& account_key_rules();

}  // namespace meterbox::config
