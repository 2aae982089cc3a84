#include "platform/http/listening_socket.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

namespace meterbox::platform::http {
namespace {

core::Error wrong(const std::string& path, const std::string& what) {
    return {core::ErrorCode::invalid, "socket " + path + ": " + what, std::nullopt, {}};
}

core::Error failed(const std::string& path, const std::string& step) {
    return wrong(path, step + ": " + std::strerror(errno));
}

class Descriptor {
public:
    explicit Descriptor(int descriptor) : descriptor_(descriptor) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }
    int get() const { return descriptor_; }
    int release() { return std::exchange(descriptor_, -1); }

private:
    int descriptor_;
};

int new_socket() {
    return ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

int connect_to(int descriptor, const sockaddr_un& address) {
    return ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

core::Result<sockaddr_un> address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty()) return wrong(path, "the path is empty");
    if (path.size() >= sizeof address.sun_path) {
        return wrong(path, "the path is " + std::to_string(path.size()) + " bytes long, at most " +
                               std::to_string(sizeof address.sun_path - 1) +
                               " are possible; use a shorter one");
    }
    path.copy(address.sun_path, path.size());
    return address;
}

std::string no_such_group(const std::string& group) {
    return "there is no group '" + group + "'; make it with 'groupadd --system " + group +
           "', or set group = \"\" to leave the socket's group as it is";
}

core::Result<std::optional<gid_t>> group_id_of(const std::string& path, const std::string& group) {
    if (group.empty()) return std::optional<gid_t>{};
    std::vector<char> buffer(16 * 1024);
    ::group entry{};
    ::group* found = nullptr;
    int status = ::getgrnam_r(group.c_str(), &entry, buffer.data(), buffer.size(), &found);
    while (status == ERANGE && buffer.size() < 16 * 1024 * 1024) {
        buffer.resize(buffer.size() * 2);
        status = ::getgrnam_r(group.c_str(), &entry, buffer.data(), buffer.size(), &found);
    }
    if (found == nullptr) {
        return wrong(path, no_such_group(group));
    }
    return std::optional<gid_t>{entry.gr_gid};
}

// What a dead server left is removed; anything else in the way is an error.
core::Result<void> clear_the_way(const std::string& path, const sockaddr_un& address) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) {
        if (errno == ENOENT) return {};
        return failed(path, "can't look at it");
    }
    if (!S_ISSOCK(status.st_mode)) {
        return wrong(path, "something that is not a socket is in the way; remove it, or use another path");
    }
    const Descriptor probe(new_socket());
    if (probe.get() < 0) return failed(path, "no socket to be had");
    if (connect_to(probe.get(), address) == 0 || errno == EAGAIN) {
        return wrong(path, "another process listens there; stop it, or use another path");
    }
    if (errno != ECONNREFUSED) return failed(path, "can't tell whether somebody listens there");
    if (::unlink(path.c_str()) != 0) return failed(path, "can't remove the file that a dead server left");
    return {};
}

core::Result<void> bind_closed(int descriptor, const std::string& path, const sockaddr_un& address) {
    const mode_t usual = ::umask(0177);  // 0600 until group and mode are set
    const int status = ::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    const int reason = errno;
    ::umask(usual);
    errno = reason;
    if (status == 0) return {};
    if (reason == ENOENT) return wrong(path, "its folder doesn't exist; make it, or use another path");
    if (reason == EADDRINUSE) {
        return wrong(path, "another process has just begun to listen there; stop it, or use another path");
    }
    return failed(path, "can't bind it");
}

core::Result<void> give_rights(const std::string& path, std::optional<gid_t> group, const std::string& name,
                               unsigned mode) {
    if (group && ::lchown(path.c_str(), static_cast<uid_t>(-1), *group) != 0) {
        return failed(path, "can't give it to group '" + name + "' (be root or a member of it)");
    }
    if (::chmod(path.c_str(), static_cast<mode_t>(mode)) != 0) return failed(path, "can't set its mode");
    return {};
}

}  // namespace

core::Result<void> check_socket_group(const std::string& what, const std::string& group) {
    if (group_id_of(what, group)) return {};
    return core::Error{core::ErrorCode::invalid, what + ": " + no_such_group(group), {}, {}};
}

core::Result<UnixListeningSocket> UnixListeningSocket::open(const std::string& path, const std::string& group,
                                                            unsigned mode) {
    const auto address = address_of(path);
    if (!address) return address.error();
    const auto group_id = group_id_of(path, group);
    if (!group_id) return group_id.error();
    if (const auto cleared = clear_the_way(path, *address); !cleared) return cleared.error();
    Descriptor descriptor(new_socket());
    if (descriptor.get() < 0) return failed(path, "no socket to be had");
    if (const auto bound = bind_closed(descriptor.get(), path, *address); !bound) return bound.error();
    UnixListeningSocket socket(path, descriptor.release());
    if (const auto given = give_rights(path, *group_id, group, mode); !given) return given.error();
    if (::listen(socket.descriptor_, SOMAXCONN) != 0) return failed(path, "can't listen");
    return socket;
}

UnixListeningSocket::UnixListeningSocket(std::string path, int descriptor)
    : path_(std::move(path)), descriptor_(descriptor) {
    struct stat status {};
    if (::lstat(path_.c_str(), &status) == 0) {
        device_ = status.st_dev;
        inode_ = status.st_ino;
    }
}

UnixListeningSocket::UnixListeningSocket(UnixListeningSocket&& other) noexcept
    : path_(std::exchange(other.path_, {})),
      descriptor_(std::exchange(other.descriptor_, -1)),
      device_(other.device_),
      inode_(other.inode_) {}

UnixListeningSocket::~UnixListeningSocket() {
    if (descriptor_ >= 0) ::close(descriptor_);
    struct stat status {};
    if (!path_.empty() && ::lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ &&
        status.st_ino == inode_) {
        ::unlink(path_.c_str());
    }
}

int UnixListeningSocket::release_descriptor() {
    return std::exchange(descriptor_, -1);
}

}  // namespace meterbox::platform::http
