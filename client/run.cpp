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
        began_at_ = now;
        kill_at_ = now + grace_ms_;
        command.signal_all(SIGTERM);
        command.signal_all(SIGCONT);  // one that is stopped would never see it
    }
    // Again at each turn past the grace: a process may have been born in between.
    void proceed(const CommandProcess& command, MonotonicTime now) const {
        if (reason_ && now >= kill_at_) command.signal_all(SIGKILL);
    }
    std::optional<StopReason> reason() const { return reason_; }
    MonotonicTime began_at() const { return began_at_; }
    std::optional<MonotonicTime> wakes_at(MonotonicTime now) const {
        constexpr std::int64_t again_ms = 100;
        if (!reason_) return {};
        return now < kill_at_ ? kill_at_ : now + again_ms;
    }

private:
    std::int64_t grace_ms_;
    std::optional<StopReason> reason_;
    MonotonicTime began_at_;
    MonotonicTime kill_at_;
};

void wait_for(const CommandProcess& command, const MeteredSession& session,
              std::optional<MonotonicTime> until, MonotonicTime now) {
    std::array<pollfd, 2> waiting{{{.fd = command.signal_fd(), .events = POLLIN, .revents = 0},
                                   {.fd = session.fd(), .events = POLLIN, .revents = 0}}};
    const std::int64_t left = until ? std::clamp<std::int64_t>(*until - now, 0, INT_MAX) : -1;
    ::poll(waiting.data(), waiting.size(), static_cast<int>(left));
}

struct Supervised {
    std::optional<StopReason> stopped;
    MonotonicTime until;  // of what counts: the command's end, or when it was told to stop
};

Supervised supervise(CommandProcess& command, MeteredSession& session, std::int64_t grace_ms,
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
    return {stopping.reason(), stopping.reason() ? stopping.began_at() : clock.monotonic_now()};
}

std::string missing_text(const MeteredSession& session) {
    return "the last " + span_text(session.unmetered_ms()) + " of the command and up to " +
           span_text(core::limits::checkpoint_default_ms) + " before are missing from its usage (session " +
           session.id() + ")";
}

// The daemon has to hear how long the command ran. Gone, it is waited for as long as it would wait for us;
// a signal ends that.
void settle(MeteredSession& session, CommandProcess& command, MonotonicTime ended_at,
            const platform::system::Clock& clock) {
    MeteredSession::Ending ending = session.end(ended_at);
    const MonotonicTime deadline = clock.monotonic_now() + session.waits_for_us_ms();
    const int signals = command.signals_to_end();
    std::int64_t delay_ms = core::limits::client_retry_base_ms;
    if (ending == MeteredSession::Ending::later)
        say("the daemon is gone; waiting " + span_text(session.waits_for_us_ms()) +
            " for it at most, so that all of the command is metered");
    while (ending == MeteredSession::Ending::later && clock.monotonic_now() < deadline) {
        pollfd signalled{.fd = command.signal_fd(), .events = POLLIN, .revents = 0};
        ::poll(&signalled, 1, static_cast<int>(delay_ms));
        command.read_signals();
        if (command.signals_to_end() != signals) break;
        delay_ms = std::min(2 * delay_ms, core::limits::client_retry_max_ms);
        ending = session.end(ended_at);
    }
    if (ending == MeteredSession::Ending::later)
        say("the daemon did not come back; " + missing_text(session));
    if (ending == MeteredSession::Ending::refused)
        say("the daemon refuses what the command ran; " + missing_text(session));
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
    const InheritedSignals inherited = take_signals();
    const platform::system::SystemClock clock;
    auto session = MeteredSession::open(options.products_socket, arguments.resource, arguments.subject, clock,
                                        warning_once(arguments.resource));
    if (!session) return session.error();
    auto command = CommandProcess::start(arguments.command, inherited);
    if (!command) {
        session->end(clock.monotonic_now());
        return command.error();
    }
    const auto [stopped, until] = supervise(*command, *session, *grace, arguments.resource, clock);
    settle(*session, *command, until, clock);
    if (!stopped) return *command->exit_code();
    return *stopped == StopReason::ended ? exit_failed : exit_exhausted;
}

}  // namespace meterbox::client
