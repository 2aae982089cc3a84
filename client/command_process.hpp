// The command that `run` meters, and whatever it starts: begun, signalled and reaped as one. On a terminal
// it shares the terminal's foreground group, so that Ctrl-C, Ctrl-Z and reading work as without a meter;
// elsewhere it has a group of its own, so that a signal to ours reaches it once. Dies with its meter.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "client/failure.hpp"

namespace meterbox::client {

// What happened at these signals when this process was started, and is to happen in its command.
struct InheritedSignals {
    struct sigaction child;
    struct sigaction pipe;
};

// From here on children are reported, also where whoever started us ignored them: the kernel would keep to
// itself how, and that, the command ended. And a stderr that nobody reads ends nothing.
InheritedSignals take_signals();

class CommandProcess {
public:
    // Blocks the signals that this process must pass on or wait for, from before the command's start;
    // the command gets the mask that was. Not executable or not found: a Failure with env's exit code.
    static Outcome<CommandProcess> start(const std::vector<std::string>& command,
                                         const InheritedSignals& inherited);
    CommandProcess(CommandProcess&& other) noexcept;
    CommandProcess& operator=(CommandProcess&&) = delete;
    ~CommandProcess();

    int signal_fd() const { return signal_fd_; }  // to poll for input
    // Takes what came on it: passes signals on, reaps children.
    void read_signals();
    // To the command and all its descendants.
    void signal_all(int signal) const;

    int signals_to_end() const { return signals_to_end_; }       // so many came, that ask a program to end
    std::optional<int> exit_code() const { return exit_code_; }  // of the command, 128 + n for signal n
    bool all_gone() const { return all_gone_; }                  // it, and all that it left behind

private:
    CommandProcess(pid_t pid, int signal_fd, bool own_group);
    void reap();

    pid_t pid_;
    int signal_fd_;
    bool own_group_;
    std::optional<int> exit_code_;
    bool all_gone_ = false;
    int signals_to_end_ = 0;
};

}  // namespace meterbox::client
