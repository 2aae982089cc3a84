// meterboxd: the agent. Reads its settings, starts, and runs until SIGTERM or SIGINT.
#include <getopt.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>

#include "agent/account_access.hpp"
#include "agent/admin_listening.hpp"
#include "agent/app.hpp"
#include "config/agent_config.hpp"
#include "core/text.hpp"
#include "platform/http/listening_socket.hpp"
#include "platform/system/clock.hpp"
#include "platform/system/log.hpp"
#include "platform/system/random.hpp"

extern char** environ;

namespace {

using namespace meterbox;

constexpr const char* usage =
    "meterboxd - the metering agent\n"
    "\n"
    "Usage: meterboxd [--config FILE] [--set SECTION.KEY=VALUE]... [--check-config]\n"
    "\n"
    "  --config FILE    settings, default /etc/meterbox/agent.toml; without that file the defaults hold\n"
    "  --set K=V        overrides one key, after the file and METERBOX_SECTION_KEY\n"
    "  --check-config   checks the settings and exits: 0 good, 2 not\n"
    "  --help, --version\n";

struct CommandLine {
    config::Sources sources;
    bool check_only = false;
};

constexpr int wrong_usage = 2;
constexpr std::chrono::seconds last_words{2};  // for what is still to be sent after the end

int refuse(const std::string& what, int exit_code = wrong_usage) {
    std::fprintf(stderr, "meterboxd: %s\n", core::printable(what).c_str());
    return exit_code;
}

// An exit code instead of a command line: there is nothing more to do.
int parse(int argc, char** argv, CommandLine& line) {
    const option options[] = {
        {"config", required_argument, nullptr, 'c'}, {"set", required_argument, nullptr, 's'},
        {"check-config", no_argument, nullptr, 'k'}, {"help", no_argument, nullptr, 'h'},
        {"version", no_argument, nullptr, 'v'},      {nullptr, 0, nullptr, 0}};
    ::opterr = 0;
    for (int choice = 0; (choice = getopt_long(argc, argv, "", options, nullptr)) != -1;) {
        switch (choice) {
            case 'c':
                line.sources.path = optarg;
                break;
            case 's':
                line.sources.sets.emplace_back(optarg);
                break;
            case 'k':
                line.check_only = true;
                break;
            case 'h':
                std::fputs(usage, stdout);
                return 0;
            case 'v':
                std::puts("meterboxd " METERBOX_VERSION);
                return 0;
            default:
                return refuse("unknown option, or one without its value: " + std::string(argv[optind - 1]) +
                              "; see meterboxd --help");
        }
    }
    if (optind < argc)
        return refuse("unknown argument: " + std::string(argv[optind]) + "; see meterboxd --help");
    line.sources.environment = environ;
    return -1;
}

// config names the levels and formats as the log does, in the same order.
platform::system::LogLevel level_of(const config::LogSection& log) {
    return static_cast<platform::system::LogLevel>(log.level);
}
platform::system::LogFormat format_of(const config::LogSection& log) {
    return static_cast<platform::system::LogFormat>(log.format);
}

// A broken file leaves what is in force in force.
void reload(const config::Sources& sources, platform::system::Log& log) {
    const auto config = config::load(sources);
    if (!config) return log.error("config.refused", {{"detail", config.error().detail}});
    log.set(level_of(config->log), format_of(config->log));
    log.info("config.reloaded", {{"detail", "log level and format; the rest holds from the next start"}});
}

int run(const CommandLine& line) {
    auto config = config::load(line.sources);
    if (!config) return refuse(config.error().detail);
    for (const auto& [setting, group] : {std::pair{"products.group", config->products.group},
                                         std::pair{"admin.group", config->admin.group}}) {
        const auto known = platform::http::check_socket_group(setting, group);
        if (known) continue;
        return refuse(config->origin_of(setting).place + ": " + known.error().detail);
    }
    if (const auto usable = agent::check_identity(*config); !usable) return refuse(usable.error().detail);
    if (const auto usable = agent::check_admin_token(*config); !usable) return refuse(usable.error().detail);
    if (line.check_only) return 0;

    const platform::system::SystemClock clock;
    platform::system::SystemRandom random;
    platform::system::Log log(level_of(config->log), format_of(config->log), &clock);
    boost::asio::io_context loop(1);
    // Before anything is started, so that no signal finds its deadly default.
    boost::asio::signal_set ends(loop, SIGTERM, SIGINT);
    boost::asio::signal_set reloads(loop, SIGHUP);
    std::signal(SIGPIPE, SIG_IGN);  // a log that nobody reads any more ends nothing
    agent::App app(loop, std::move(*config), clock, random, log);
    app.start();

    bool stopping = false;
    bool at_once = false;
    const std::function<void(const boost::system::error_code&, int)> on_end =
        [&](const boost::system::error_code& cancelled, int) {
            if (cancelled) return;
            if (std::exchange(stopping, true)) {
                at_once = true;
                return loop.stop();
            }
            ends.async_wait(on_end);
            reloads.cancel();
            app.stop([&] {
                ends.cancel();
                loop.stop();
            });
        };
    ends.async_wait(on_end);
    const std::function<void(const boost::system::error_code&, int)> on_reload =
        [&](const boost::system::error_code& cancelled, int) {
            if (cancelled) return;
            reload(line.sources, log);
            reloads.async_wait(on_reload);
        };
    reloads.async_wait(on_reload);
    loop.run();
    if (at_once) return 0;
    loop.restart();
    loop.run_for(last_words);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    CommandLine line;
    const int done = parse(argc, argv, line);
    if (done >= 0) return done;
    try {
        return run(line);
    } catch (const agent::WrongConfiguration& error) {
        return refuse(error.what());
    } catch (const std::exception& error) {
        return refuse(error.what(), 1);
    }
}
