// The descriptors on which clients connect: made, named and given their rights, so that at no moment
// somebody else could connect; errors say in one line what is wrong and what to do.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "core/error.hpp"

namespace meterbox::platform::http {

// Whether a socket can be given to this group: empty, or one that this machine has. what: the setting,
// named in the error.
[[nodiscard]] core::Result<void> check_socket_group(const std::string& what, const std::string& group);

// A bound and listening Unix socket. Its file is removed on destruction if it is still the same.
class UnixListeningSocket {
public:
    // group: empty leaves it. A file left by a dead server is replaced.
    [[nodiscard]] static core::Result<UnixListeningSocket> open(const std::string& path,
                                                                const std::string& group, unsigned mode);
    UnixListeningSocket(UnixListeningSocket&& other) noexcept;
    UnixListeningSocket& operator=(UnixListeningSocket&&) = delete;
    ~UnixListeningSocket();

    int release_descriptor();  // the caller closes it

private:
    UnixListeningSocket(std::string path, int descriptor);

    std::string path_;
    int descriptor_ = -1;
    dev_t device_ = 0;
    ino_t inode_ = 0;
};

}  // namespace meterbox::platform::http
