// `meterbox`: arguments in, one command, exit code out. What the commands do is in commands.hpp; that this
// version lacks some of them is said by each of those in one line.
#include <CLI/CLI.hpp>
#include <array>
#include <csignal>
#include <cstdio>
#include <functional>
#include <iostream>
#include <string_view>
#include <vector>

#include "client/commands.hpp"
#include "client/text.hpp"
#include "core/text.hpp"

namespace meterbox::client {
namespace {

using Command = std::function<Outcome<int>()>;

constexpr std::array not_available{"watch", "usage", "open", "export", "doctor"};

int fail(const Failure& failure) {
    std::fprintf(stderr, "meterbox: %s\n", printable(failure.message).c_str());
    return failure.exit_code;
}

// Everything that main parses into, and the command that was chosen.
struct Arguments {
    Options options;
    EnrollArguments enroll;
    ReportArguments report;
    RunArguments run;
    Command chosen;
};

void add_global_options(CLI::App& app, Options& options) {
    app.add_option("--socket", options.admin_socket, "the daemon's admin socket")
        ->envname("METERBOX_ADMIN_SOCKET")
        ->default_str(options.admin_socket)
        ->type_name("PATH");
    app.add_option("--products-socket", options.products_socket, "the daemon's products' socket")
        ->envname("METERBOX_PRODUCTS_SOCKET")
        ->default_str(options.products_socket)
        ->type_name("PATH");
    app.add_flag("--json", options.json, "print data as JSON");
    app.set_version_flag("--version", "meterbox " METERBOX_VERSION, "print the version and exit");
}

void add_queries(CLI::App& app, Arguments& arguments) {
    const Options& options = arguments.options;
    Command& chosen = arguments.chosen;
    app.add_subcommand("status", "show balances, sync and what waits")->callback([&] {
        chosen = [&] { return run_status(options); };
    });
    app.add_subcommand("resources", "list what is metered")->callback([&] {
        chosen = [&] { return run_resources(options); };
    });
    app.add_subcommand("sessions", "list what is running under the meter")->callback([&] {
        chosen = [&] { return run_sessions(options); };
    });
    app.add_subcommand("sync", "sync with the account now")->callback([&] {
        chosen = [&] { return run_sync(options); };
    });
    app.add_subcommand("retire", "settle everything with the account, and stop being its agent")
        ->callback([&] { chosen = [&] { return run_retire(options); }; });
    app.add_subcommand("verify", "check the journal's chain and sums")->callback([&] {
        chosen = [&] { return run_verify(options); };
    });
}

void add_enroll(CLI::App& app, Arguments& arguments) {
    EnrollArguments& enroll = arguments.enroll;
    CLI::App* command = app.add_subcommand("enroll", "make this machine an agent of a team");
    command->add_option("URL", enroll.url, "the account, https://HOST:PORT")->required();
    command->add_option("--token", enroll.token, "the one-time token; - reads it from stdin")
        ->required()
        ->type_name("T");
    command->add_option("--ca", enroll.ca_file, "the account's CA, in place of the token's fingerprint")
        ->type_name("FILE");
    command->callback([&] { arguments.chosen = [&] { return run_enroll(arguments.options, enroll); }; });
}

// An empty word is a variable that isn't set: it isn't taken for an option that is left out.
CLI::Validator not_empty() {
    return {[](const std::string& text) { return text.empty() ? "it is empty" : std::string{}; }, ""};
}

void add_report(CLI::App& app, Arguments& arguments) {
    ReportArguments& report = arguments.report;
    CLI::App* command = app.add_subcommand("report", "report usage that has happened");
    command->add_option("--resource", report.resource, "what was used")->required()->type_name("KEY");
    command->add_option("--duration", report.duration, "for how long, such as 12m30s")->type_name("D");
    command->add_option("--quantity", report.quantity, "how many")->type_name("N");
    command->add_option("--id", report.id, "the report's identity, which counts once (default: a new one)");
    command->add_option("--time", report.time, "when it ended, RFC 3339 (default: now)")
        ->type_name("T")
        ->check(not_empty());
    command->add_option("--subject", report.subject, "the project, user or job it is for")
        ->type_name("S")
        ->check(not_empty());
    command->callback([&] { arguments.chosen = [&] { return run_report(arguments.options, report); }; });
}

void add_run(CLI::App& app, Arguments& arguments) {
    RunArguments& run = arguments.run;
    CLI::App* command =
        app.add_subcommand("run", "run a command under the meter: run --resource KEY -- COMMAND...");
    command->add_option("--resource", run.resource, "what it uses")->required()->type_name("KEY");
    command->add_option("--subject", run.subject, "the project, user or job it is for")
        ->type_name("S")
        ->check(not_empty());
    command->add_option("--grace", run.grace, "between SIGTERM and SIGKILL at exhaustion")
        ->default_str(run.grace)
        ->type_name("D");
    command->footer(
        "Exit code: the command's own, 128 + n if signal n killed it; 4 when refused or stopped\n"
        "for lack of balance, 3 without a daemon, 126 not executable, 127 not found.");
    command->callback([&] { arguments.chosen = [&] { return run_metered(arguments.options, run); }; });
}

void add_not_available(CLI::App& app, Arguments& arguments) {
    for (const std::string name : not_available) {
        CLI::App* command = app.add_subcommand(name, "")->group("");
        command->prefix_command();
        command->callback([&arguments, name] {
            arguments.chosen = [name]() -> Outcome<int> {
                return Failure{exit_usage, name + ": not available in this version"};
            };
        });
    }
}

// What nobody takes: the first word, or the first option after a command.
std::string unexpected(const CLI::App& app, bool command_chosen) {
    const std::vector<std::string> extras = app.remaining(true);
    for (const std::string& extra : extras) {
        const bool option = extra.starts_with('-');
        if (!option && command_chosen) continue;
        return (option ? "unknown option " : "unknown command ") + extra.substr(0, extra.find('='));
    }
    return command_chosen ? "unexpected argument" : "a command is missing";
}

// One line for stderr, which never repeats a value: it might be a token.
std::string usage_message(const CLI::App& app, const CLI::ParseError& error) {
    std::string message = error.what();
    const auto chosen = app.get_subcommands();
    const int code = error.get_exit_code();
    const bool extras = code == static_cast<int>(CLI::ExitCodes::ExtrasError);
    const bool no_command = chosen.empty() && code == static_cast<int>(CLI::ExitCodes::RequiredError);
    if (extras || no_command) message = unexpected(app, !chosen.empty());
    const std::string where = chosen.empty() ? "" : chosen.front()->get_name() + ": ";
    const std::string help =
        chosen.empty() ? "meterbox --help" : "meterbox " + chosen.front()->get_name() + " --help";
    return printable(where + message + "; see " + help);
}

int run(int argc, char** argv) {
    Arguments arguments;
    // What follows the first -- is the command, word by word: it is not parsed.
    const auto dashes = std::find(argv, argv + argc, std::string_view{"--"});
    const int own_count = static_cast<int>(dashes - argv);
    if (own_count < argc) arguments.run.command.assign(dashes + 1, argv + argc);

    CLI::App app{"meterbox: what this machine meters, and the team's balance.", "meterbox"};
    app.require_subcommand(1);
    app.fallthrough();
    add_global_options(app, arguments.options);
    add_queries(app, arguments);
    add_enroll(app, arguments);
    add_report(app, arguments);
    add_run(app, arguments);
    add_not_available(app, arguments);
    for (const std::string_view argument : std::vector<std::string_view>(argv, argv + own_count)) {
        if (core::is_option_left_empty(argument))
            return fail({exit_usage, std::string(argument.substr(0, argument.size() - 1)) + ": it is empty"});
    }
    try {
        app.parse(own_count, argv);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) return app.exit(error, std::cout, std::cerr);
        return fail({exit_usage, usage_message(app, error)});
    }
    if (!arguments.run.command.empty() && !app.got_subcommand("run")) {
        const std::string command = app.get_subcommands().front()->get_name();
        return fail({exit_usage, command + ": nothing may follow --; see meterbox " + command + " --help"});
    }
    const Outcome<int> outcome = arguments.chosen();
    if (std::fflush(stdout) != 0) return fail({exit_failed, "can't write to stdout"});
    return outcome ? *outcome : fail(outcome.error());
}

}  // namespace
}  // namespace meterbox::client

int main(int argc, char** argv) {
    try {
        return meterbox::client::run(argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "meterbox: %s\n", meterbox::core::printable(error.what()).c_str());
        return meterbox::client::exit_failed;
    }
}
