#include "platform/system/process_limits.hpp"

#include <sys/resource.h>

namespace meterbox::platform::system {

std::size_t raise_open_files_limit() {
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return 0;
    const rlimit raised{files.rlim_max, files.rlim_max};
    if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) files = raised;
    return files.rlim_cur;
}

}  // namespace meterbox::platform::system
