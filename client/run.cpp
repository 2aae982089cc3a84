// `meterbox run`: a command that is metered for as long as it runs, and stopped when the balance is used up.
#include <poll.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstdio>

#include "client/command_process.hpp"
#include "client/commands.hpp"
#include "client/metered_session.hpp"
#include "client/text.hpp"
#include "core/time.hpp"
#include "platform/system/clock.hpp"

namespace meterbox::client {
namespace {

using core::MonotonicTime;

void say(const std::string& line) {
    std::fprintf(stderr, "meterbox: %s\n", printable(line).c_str());
}

std::string why(StopReason reason, const std::string& resource) {
    switch (reason) {
        case StopReason::used_up:
            return resource + " is used up";
        case StopReason::alone:
            return "the daemon is gone and what was left of " + resource + " is used up";
        case StopReason::ended:
            break;
    }
    return "the session was ended";
}

MeteredSession::OnLow warning_once(const std::string& resource) {
    return [resource, warned = false](const SessionNews& news) mutable {
        if (std::exchange(warned, true)) return;
        const auto left = news.exhausts_in_ms;
        say(resource + " is low" + (left ? ": used up in " + span_text(*left) : std::string{}));
    };
}

// The command's last minutes: SIGTERM to all of it, SIGKILL to what is left after the grace.
class Stopping {
public:
    explicit Stopping(std::int64_t grace_ms) : grace_ms_(grace_ms) {}

    void begin(StopReason reason, const CommandProcess& command, MonotonicTime now) {
        if (reason_) return;
        reason_ = reason;
        kill_at_ = now + grace_ms_;
        command.signal_all(SIGTERM);
        command.signal_all(SIGCONT);  // one that is stopped would never see it
    }
    // Again at each turn past the grace: a process may have been born in between.
    void proceed(const CommandProcess& command, MonotonicTime now) const {
        if (reason_ && now >= kill_at_) command.signal_all(SIGKILL);
    }
    std::optional<StopReason> reason() const { return reason_; }
    std::optional<MonotonicTime> wakes_at(MonotonicTime now) const {
        constexpr std::int64_t again_ms = 100;
        if (!reason_) return {};
        return now < kill_at_ ? kill_at_ : now + again_ms;
    }

private:
    std::int64_t grace_ms_;
    std::optional<StopReason> reason_;
    MonotonicTime kill_at_;
};

void wait_for(const CommandProcess& command, const MeteredSession& session,
              std::optional<MonotonicTime> until, MonotonicTime now) {
    std::array<pollfd, 2> waiting{{{.fd = command.signal_fd(), .events = POLLIN, .revents = 0},
                                   {.fd = session.fd(), .events = POLLIN, .revents = 0}}};
    const std::int64_t left = until ? std::clamp<std::int64_t>(*until - now, 0, INT_MAX) : -1;
    ::poll(waiting.data(), waiting.size(), static_cast<int>(left));
}

std::optional<StopReason> supervise(CommandProcess& command, MeteredSession& session, std::int64_t grace_ms,
                                    const std::string& resource, const platform::system::Clock& clock) {
    Stopping stopping{grace_ms};
    const auto over = [&] {
        return stopping.reason() ? command.all_gone() : command.exit_code().has_value();
    };
    command.read_signals();
    while (!over()) {
        if (!stopping.reason()) {
            if (const auto reason = session.proceed()) {
                stopping.begin(*reason, command, clock.monotonic_now());
                say(why(*reason, resource) + "; stopping the command");
            }
        }
        const MonotonicTime now = clock.monotonic_now();
        stopping.proceed(command, now);
        wait_for(command, session, stopping.reason() ? stopping.wakes_at(now) : session.wakes_at(), now);
        command.read_signals();
        session.read();
    }
    return stopping.reason();
}

}  // namespace

Outcome<int> run_metered(const Options& options, const RunArguments& arguments) {
    const auto grace = core::parse_short_duration_ms(arguments.grace);
    if (!grace || *grace > core::limits::client_grace_max_ms) {
        return Failure{exit_usage, "run: --grace: not a duration of at most 1h; write one such as 10s"};
    }
    if (arguments.command.empty()) {
        return Failure{exit_usage,
                       "run: no command; write it after --, as in meterbox run --resource KEY -- COMMAND"};
    }
    const platform::system::SystemClock clock;
    auto session = MeteredSession::open(options.products_socket, arguments.resource, arguments.subject, clock,
                                        warning_once(arguments.resource));
    if (!session) return session.error();
    auto command = CommandProcess::start(arguments.command);
    if (!command) {
        session->end();
        return command.error();
    }
    const auto stopped = supervise(*command, *session, *grace, arguments.resource, clock);
    if (!session->end())
        say("the daemon is gone; the last moments of the command may be missing from its usage");
    if (!stopped) return *command->exit_code();
    return *stopped == StopReason::ended ? exit_failed : exit_exhausted;
}

}  // namespace meterbox::client
