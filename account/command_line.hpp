// The arguments of meterbox-account, read: what is to be done, or why not. Pure but for the
// environment variable of the store.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "account/commands.hpp"

namespace meterbox::account {

struct ServeOptions {
    std::string listen = "127.0.0.1:9443";
    std::string admin_listen = "127.0.0.1:9444";
    std::vector<std::string> names;
};

struct CommandLine {
    std::string store;
    std::optional<Outcome> done;             // help, version, wrong usage: nothing else to do
    std::optional<ServeOptions> serve;       // the service
    std::function<Outcome(Store&)> command;  // or one command
};

// arguments: without the program's name.
CommandLine parse_command_line(const std::vector<std::string>& arguments);

}  // namespace meterbox::account
