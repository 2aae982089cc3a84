// meterbox-account: the central account's service, and the command line of its operator.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <optional>

#include "account/backup.hpp"
#include "account/command_line.hpp"
#include "account/command_service.hpp"
#include "account/put_back.hpp"
#include "account/serve.hpp"
#include "account/store.hpp"
#include "account/store_url.hpp"
#include "config/account_config.hpp"
#include "core/text.hpp"
#include "platform/system/clock.hpp"
#include "platform/system/log.hpp"
#include "platform/system/random.hpp"

namespace {

using namespace meterbox;
using account::CommandLine;
using account::Outcome;

constexpr int open_tries_max = 5;  // each waits for two seconds

int print(const Outcome& outcome) {
    std::cout << outcome.out << std::flush;
    if (!outcome.err.empty()) std::cerr << "meterbox-account: " << core::printable(outcome.err) << '\n';
    if (!std::cout) return account::exit_failed;
    return outcome.exit;
}

// In a transaction of its own; an answer that says "done" is printed after the commit.
Outcome run_in(account::Store& store, const CommandLine& line) {
    if (const auto begun = store.connection().begin(); !begun) return account::from_error(begun.error());
    const auto outcome = account::in_savepoint(
        store.database(), [&]() -> core::Result<Outcome> { return line.command(store); });
    const auto committed = store.connection().commit();
    if (!outcome) return account::from_error(outcome.error());
    if (!committed) return account::from_error(committed.error());
    return *outcome;
}

// What takes long and only reads, beside those that write.
Outcome run_reading(account::Store& store, const account::LongCommand& command) {
    if (const auto begun = store.connection().begin_reading(); !begun)
        return account::from_error(begun.error());
    const auto outcome = command(store, [] { return false; });
    store.connection().end_reading();
    if (store.database().failed()) return account::from_error(store.database().error());
    return *outcome;
}

// config names the levels and formats as the log does, in the same order.
platform::system::LogLevel level_of(const config::LogSection& log) {
    return static_cast<platform::system::LogLevel>(log.level);
}
platform::system::LogFormat format_of(const config::LogSection& log) {
    return static_cast<platform::system::LogFormat>(log.format);
}

void reload(const config::Sources& sources, platform::system::Log& log) {
    const auto config = config::load_account(sources);
    if (!config) return log.error("config.refused", {{"detail", config.error().detail}});
    log.set(level_of(config->log), format_of(config->log));
    log.info("config.reloaded", {{"detail", "log level and format; the rest holds from the next start"}});
}

// What the command line leaves out is as in the settings.
account::ServeOptions with_settings(account::ServeOptions options,
                                    const config::AccountConfig::Serve& settings,
                                    std::function<void()> reload) {
    if (options.listen.empty()) options.listen = settings.listen;
    if (options.admin_listen.empty()) options.admin_listen = settings.admin_listen;
    options.names.insert(options.names.end(), settings.names.begin(), settings.names.end());
    options.reload = std::move(reload);
    return options;
}

// The service has another working folder.
std::vector<std::string> from_here(std::vector<std::string> arguments, const CommandLine& line) {
    if (!line.backup) return arguments;
    const auto file = std::find(arguments.rbegin(), arguments.rend(), *line.backup);
    if (file != arguments.rend()) *file = std::filesystem::absolute(*file).string();
    return arguments;
}

// None: nobody serves the store.
std::optional<Outcome> through_service(const std::vector<std::string>& arguments, const CommandLine& line) {
    return account::command_through_service(line.store + "/account.sock", from_here(arguments, line),
                                            line.backup ? account::folder_seen(*line.backup) : "");
}

Outcome outcome_of(const core::Result<void>& done) {
    return done ? Outcome{account::exit_done, {}, {}} : account::from_error(done.error());
}

Outcome restored(const CommandLine& line, platform::system::Clock& clock) {
    return outcome_of(account::restore(line.store, *line.restore, clock));
}

Outcome could_not_open(const core::Error& error) {
    const bool usage = error.code == core::ErrorCode::invalid;
    return usage ? account::wrong_usage(error.detail) : account::from_error(error);
}

int run(const std::vector<std::string>& arguments) {
    CommandLine line = account::parse_command_line(arguments);
    line.sources.environment = environ;
    if (line.done) return print(*line.done);

    const bool shared = account::is_url(line.store);
    if (!line.serve && !shared) {
        if (const auto outcome = through_service(arguments, line)) return print(*outcome);
    }
    const auto config = config::load_account(line.sources);
    if (!config) return print(account::wrong_usage(config.error().detail));
    if (line.serve && line.serve->check_config) return account::exit_done;
    platform::system::SystemClock clock;
    platform::system::SystemRandom random;
    if (line.restore && !shared) return print(restored(line, clock));
    const auto open = [&] {
        return shared ? account::Store::open_database(line.store, clock, random)
                      : account::Store::open(line.store, clock, random);
    };
    auto store = open();
    const auto taken = [&] { return !store && store.error().code == core::ErrorCode::unreachable; };
    // Whoever has it open may be the service at its start, which takes commands a moment later.
    for (int tries = 1; tries < open_tries_max && taken() && !line.serve && !shared; ++tries) {
        if (const auto outcome = through_service(arguments, line)) return print(*outcome);
        store = open();
    }
    if (!store) return print(could_not_open(store.error()));
    if (line.restore) return print(outcome_of(account::begin_anew(**store, line.epoch)));
    (*store)->use(account::settings_from(*config));
    if (line.backup) return print(account::backup_outcome(**store, *line.backup));
    if (shared && line.long_command) return print(run_reading(**store, line.long_command));
    if (!line.serve) return print(run_in(**store, line));

    platform::system::Log log(level_of(config->log), format_of(config->log), &clock);
    const auto options = with_settings(*line.serve, config->serve, [&] { reload(line.sources, log); });
    if (const auto served = account::serve(**store, options, log); !served) {
        const bool usage = served.error().code == core::ErrorCode::invalid;
        return print(usage ? account::wrong_usage(served.error().detail)
                           : account::from_error(served.error()));
    }
    return account::exit_done;
}

}  // namespace

int main(int argc, char** argv) {
    ::umask(077);
    try {
        return run(std::vector<std::string>(argv + 1, argv + argc));
    } catch (const std::exception& error) {
        std::cerr << "meterbox-account: " << core::printable(error.what()) << '\n';
        return account::exit_failed;
    }
}
