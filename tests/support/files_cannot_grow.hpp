// While it is there no file of this process grows beyond so many bytes: the write fails, with an error that
// isn't a full disk's.
#pragma once

#include <signal.h>
#include <sys/resource.h>

#include <cstdint>

#include "core/assert.hpp"

namespace meterbox::tests {

class FilesCannotGrow {
public:
    explicit FilesCannotGrow(std::uintmax_t bytes = 0) : signal_(::signal(SIGXFSZ, SIG_IGN)) {
        METERBOX_ASSERT(::getrlimit(RLIMIT_FSIZE, &before_) == 0);
        const rlimit limit{bytes, before_.rlim_max};
        METERBOX_ASSERT(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
    }
    ~FilesCannotGrow() {
        METERBOX_ASSERT(::setrlimit(RLIMIT_FSIZE, &before_) == 0);
        ::signal(SIGXFSZ, signal_);
    }
    FilesCannotGrow(const FilesCannotGrow&) = delete;
    FilesCannotGrow& operator=(const FilesCannotGrow&) = delete;

private:
    rlimit before_{};
    sighandler_t signal_;
};

}  // namespace meterbox::tests
