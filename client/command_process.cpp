#include "client/command_process.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "client/text.hpp"

namespace meterbox::client {
namespace {

constexpr std::array passed_on{SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};

sigset_t watched_signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    for (const int signal : passed_on) sigaddset(&set, signal);
    return set;
}

// Are we what the terminal's keys speak to?
bool in_foreground() {
    const int terminal = ::open("/dev/tty", O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (terminal < 0) return false;
    const bool foreground = ::tcgetpgrp(terminal) == ::getpgrp();
    ::close(terminal);
    return foreground;
}

// In the child, between fork and exec: only what is safe there. Reports why exec failed.
[[noreturn]] void become(char* const* arguments, bool own_group, pid_t parent, const sigset_t& mask,
                         const InheritedSignals& inherited, int report) {
    if (own_group) ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != parent) ::_exit(exit_failed);  // it died before the line above
    ::sigaction(SIGCHLD, &inherited.child, nullptr);
    ::sigaction(SIGPIPE, &inherited.pipe, nullptr);
    ::sigprocmask(SIG_SETMASK, &mask, nullptr);
    ::execvp(arguments[0], arguments);
    const int error = errno;
    [[maybe_unused]] const ssize_t written = ::write(report, &error, sizeof error);
    ::_exit(exit_failed);
}

// Every process below `pid`, by the kernel's lists, one a thread; empty where it doesn't keep them.
void add_descendants(pid_t pid, std::vector<pid_t>& found) {
    const std::filesystem::path threads{"/proc/" + std::to_string(pid) + "/task"};
    std::error_code gone;  // it may end while we look
    for (std::filesystem::directory_iterator thread{threads, gone}, end; !gone && thread != end;
         thread.increment(gone)) {
        std::ifstream children{thread->path() / "children"};
        for (pid_t child = 0; children >> child;) {
            found.push_back(child);
            add_descendants(child, found);
        }
    }
}

Failure not_started(const std::string& command, int error) {
    const bool missing = error == ENOENT;
    return {missing ? exit_not_found : exit_not_executable,
            printable("run: " + command + ": " + std::generic_category().message(error) +
                      (missing ? "; is the name right, and is it in PATH?" : "; it can't be executed"))};
}

}  // namespace

InheritedSignals take_signals() {
    InheritedSignals inherited{};
    struct sigaction reported {};
    reported.sa_handler = SIG_DFL;
    ::sigaction(SIGCHLD, &reported, &inherited.child);
    struct sigaction ignored {};
    ignored.sa_handler = SIG_IGN;
    ::sigaction(SIGPIPE, &ignored, &inherited.pipe);
    return inherited;
}

Outcome<CommandProcess> CommandProcess::start(const std::vector<std::string>& command,
                                              const InheritedSignals& inherited) {
    const sigset_t watched = watched_signals();
    sigset_t before;
    ::sigprocmask(SIG_BLOCK, &watched, &before);
    // What the command leaves behind comes to us, so that a stop reaches that, too.
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    const int signal_fd = ::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
    std::array<int, 2> report{};
    if (signal_fd < 0 || ::pipe2(report.data(), O_CLOEXEC) != 0) {
        return Failure{exit_failed, "run: out of file descriptors; the command was not started"};
    }

    std::vector<char*> arguments;
    for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    const bool own_group = !in_foreground();
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid == 0) become(arguments.data(), own_group, parent, before, inherited, report[1]);
    ::close(report[1]);
    int error = pid < 0 ? errno : 0;
    if (pid > 0 && ::read(report[0], &error, sizeof error) <= 0) error = 0;
    ::close(report[0]);
    if (error == 0) return CommandProcess{pid, signal_fd, own_group};
    if (pid > 0) ::waitpid(pid, nullptr, 0);
    ::close(signal_fd);
    return not_started(command.front(), error);
}

CommandProcess::CommandProcess(pid_t pid, int signal_fd, bool own_group)
    : pid_(pid), signal_fd_(signal_fd), own_group_(own_group) {}

CommandProcess::CommandProcess(CommandProcess&& other) noexcept
    : pid_(other.pid_),
      signal_fd_(std::exchange(other.signal_fd_, -1)),
      own_group_(other.own_group_),
      exit_code_(other.exit_code_),
      all_gone_(other.all_gone_),
      signals_to_end_(other.signals_to_end_) {}

CommandProcess::~CommandProcess() {
    if (signal_fd_ >= 0) ::close(signal_fd_);
}

void CommandProcess::read_signals() {
    signalfd_siginfo info;
    while (::read(signal_fd_, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGCHLD) continue;
        const auto number = static_cast<int>(info.ssi_signo);
        if (number != SIGUSR1 && number != SIGUSR2) ++signals_to_end_;
        // The terminal's keys have signalled the command by themselves, unless it has its own group.
        const bool by_terminal = info.ssi_code == SI_KERNEL;
        if (own_group_ || !by_terminal) signal_all(number);
    }
    reap();
}

void CommandProcess::reap() {
    int status = 0;
    pid_t pid = 0;
    while ((pid = ::waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid != pid_) continue;
        exit_code_ = WIFSIGNALED(status) ? exit_signal_base + WTERMSIG(status) : WEXITSTATUS(status);
    }
    all_gone_ = pid < 0 && errno == ECHILD;
}

void CommandProcess::signal_all(int signal) const {
    std::vector<pid_t> targets;
    add_descendants(::getpid(), targets);
    if (targets.empty() && !exit_code_) targets.push_back(own_group_ ? -pid_ : pid_);
    for (const pid_t target : targets) ::kill(target, signal);
}

}  // namespace meterbox::client
