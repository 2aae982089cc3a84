// The arguments of meterbox-account, read: what is to be done, or why not. Pure but for the
// environment variable of the store.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "account/commands.hpp"
#include "config/agent_config.hpp"

namespace meterbox::account {

struct ServeOptions {
    std::string listen;        // empty: as in the settings
    std::string admin_listen;  // the same
    std::vector<std::string> names;
    bool check_config = false;     // looks at the settings, and no more
    std::function<void()> reload;  // at SIGHUP; empty: nothing is read again
};

struct CommandLine {
    std::optional<std::string> backup;   // to this file: outside any transaction
    std::optional<std::string> restore;  // from this file: while nobody has the store open
    std::optional<std::int64_t> epoch;   // with restore, after a database was put back
    std::string store;
    config::Sources sources;                 // of the settings: --config and --set
    std::optional<Outcome> done;             // help, version, wrong usage: nothing else to do
    std::optional<ServeOptions> serve;       // the service
    std::function<Outcome(Store&)> command;  // or one command, done at once
    LongCommand long_command;                // the same in pieces, where it may take long
};

// arguments: without the program's name.
CommandLine parse_command_line(const std::vector<std::string>& arguments);

}  // namespace meterbox::account
