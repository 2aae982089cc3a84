// The commands that show something: status, resources, sessions.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "client/commands.hpp"
#include "client/listings.hpp"
#include "platform/system/clock.hpp"

namespace meterbox::client {
namespace {

void print(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
}

void print_document(const Answer& answer) {
    print(answer.body);
    if (!answer.body.ends_with('\n')) print("\n");
}

// Only for a person: a terminal that can, and nobody who said no (https://no-color.org).
bool colourful() {
    const char* no_colour = std::getenv("NO_COLOR");
    const char* terminal = std::getenv("TERM");
    const bool refused = no_colour != nullptr && *no_colour != '\0';
    const bool able = terminal != nullptr && std::string_view{terminal} != "dumb";
    return ::isatty(STDOUT_FILENO) == 1 && able && !refused;
}

core::UtcTime now() {
    return platform::system::SystemClock{}.wall_now();
}

}  // namespace

Outcome<int> run_status(const Options& options) {
    auto answer = ask_daemon(options.admin_socket, "/status");
    if (!answer) return answer.error();
    if (options.json) {
        print_document(*answer);
    } else {
        print(status_text(answer->json, Painter{colourful()}));
    }
    return exit_done;
}

Outcome<int> run_resources(const Options& options) {
    auto answer = ask_daemon(options.products_socket, "/v1/resources");
    if (!answer) return answer.error();
    if (options.json) {
        print_document(*answer);
    } else {
        print(resources_text(answer->json, now()));
    }
    return exit_done;
}

Outcome<int> run_sessions(const Options& options) {
    auto answer = ask_daemon(options.products_socket, "/v1/sessions");
    if (!answer) return answer.error();
    if (options.json) {
        print_document(*answer);
    } else {
        print(sessions_text(answer->json));
    }
    return exit_done;
}

}  // namespace meterbox::client
