// meterbox-account: the central account's service, and the command line of its operator.
#include <sys/stat.h>

#include <cstdio>
#include <exception>
#include <iostream>

#include "account/command_line.hpp"
#include "account/command_service.hpp"
#include "account/serve.hpp"
#include "account/store.hpp"
#include "platform/system/clock.hpp"
#include "platform/system/log.hpp"
#include "platform/system/random.hpp"

namespace {

using namespace meterbox;
using account::CommandLine;
using account::Outcome;

int print(const Outcome& outcome) {
    std::cout << outcome.out << std::flush;
    if (!outcome.err.empty()) std::cerr << "meterbox-account: " << outcome.err << '\n';
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

int run(const std::vector<std::string>& arguments) {
    const CommandLine line = account::parse_command_line(arguments);
    if (line.done) return print(*line.done);

    if (!line.serve) {
        const auto outcome = account::command_through_service(line.store + "/account.sock", arguments);
        if (outcome) return print(*outcome);
    }
    platform::system::SystemClock clock;
    platform::system::SystemRandom random;
    const auto store = account::Store::open(line.store, clock, random);
    if (!store) return print(account::from_error(store.error()));
    if (!line.serve) return print(run_in(**store, line));

    platform::system::Log log(platform::system::LogLevel::info, platform::system::LogFormat::text, &clock);
    if (const auto served = account::serve(**store, *line.serve, log); !served) {
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
        std::cerr << "meterbox-account: " << error.what() << '\n';
        return account::exit_failed;
    }
}
