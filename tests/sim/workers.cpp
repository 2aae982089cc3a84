#include "tests/sim/workers.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <system_error>
#include <vector>

namespace meterbox::sim {

namespace {

struct Worker {
    pid_t process = 0;
    int answer = -1;  // what its share came to, as text
};

[[noreturn]] void fail(const char* what) {
    throw std::system_error(errno, std::system_category(), what);
}

void say(int to, const std::string& text) {
    for (std::size_t at = 0; at < text.size();) {
        const ssize_t written = ::write(to, text.data() + at, text.size() - at);
        if (written < 0) ::_exit(1);
        at += static_cast<std::size_t>(written);
    }
}

std::string hear(int from) {
    std::string text;
    char part[4'096];
    for (ssize_t got = 0; (got = ::read(from, part, sizeof part)) > 0;)
        text.append(part, static_cast<std::size_t>(got));
    ::close(from);
    return text;
}

Worker begin(std::uint64_t job, std::uint64_t jobs,
             const std::function<Share(std::uint64_t, std::uint64_t)>& run) {
    int ends[2];
    if (::pipe(ends) != 0) fail("pipe");
    std::fflush(stdout);
    const pid_t process = ::fork();
    if (process < 0) fail("fork");
    if (process > 0) {
        ::close(ends[1]);
        return {process, ends[0]};
    }
    ::close(ends[0]);
    const Share share = run(job, jobs);
    say(ends[1], std::to_string(share.failed) + "\n" + share.tally.lines());
    std::fflush(stdout);
    ::_exit(0);
}

}  // namespace

Share over_processes(std::uint64_t jobs, const std::function<Share(std::uint64_t, std::uint64_t)>& run) {
    if (jobs <= 1) return run(0, 1);
    std::vector<Worker> workers;
    for (std::uint64_t job = 0; job < jobs; ++job) workers.push_back(begin(job, jobs, run));
    Share all;
    for (const Worker& worker : workers) {
        const std::string said = hear(worker.answer);
        int status = 0;
        ::waitpid(worker.process, &status, 0);
        const std::size_t end = said.find('\n');
        if (status != 0 || end == std::string::npos) {
            ++all.failed;
            continue;
        }
        all.failed += std::stoull(said);
        all.tally.add_lines(said.substr(end + 1));
    }
    return all;
}

}  // namespace meterbox::sim
