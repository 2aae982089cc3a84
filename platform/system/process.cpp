#include "platform/system/process.hpp"

#include <signal.h>
#include <unistd.h>

#include <linux/close_range.h>

#include <string>
#include <vector>

#include "platform/system/files.hpp"

namespace meterbox::platform::system {

namespace {
constexpr std::size_t arguments_bytes_max = 2 * 1024 * 1024;
}

void start_again() {
    auto line = read_file("/proc/self/cmdline", arguments_bytes_max);
    if (!line || line->empty()) return;
    std::vector<char*> arguments;
    for (std::size_t at = 0; at < line->size(); at = line->find('\0', at) + 1) {
        arguments.push_back(line->data() + at);
        if (line->find('\0', at) == std::string::npos) break;
    }
    arguments.push_back(nullptr);
    ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    sigset_t none;  // a thread that takes no signals would hand that on
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, nullptr);
    ::execv("/proc/self/exe", arguments.data());
}

}  // namespace meterbox::platform::system
