#include "platform/system/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace meterbox::platform::system {
namespace {

namespace fs = std::filesystem;
using core::Error;
using core::ErrorCode;
using core::Result;

class Descriptor {
public:
    explicit Descriptor(int number) : number_(number) {}
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    int number() const { return number_; }
    bool valid() const { return number_ >= 0; }
    bool close() { return ::close(std::exchange(number_, -1)) == 0; }

private:
    int number_;
};

Error system_error(std::string_view what, const fs::path& path, int number) {
    ErrorCode code = ErrorCode::storage;
    if (number == ENOENT || number == ENOTDIR) code = ErrorCode::not_found;
    if (number == EACCES || number == EPERM) code = ErrorCode::forbidden;
    return Error{code, std::string(what) + " " + path.string() + ": " + std::strerror(number), {}, {}};
}

bool write_all(int descriptor, std::string_view contents) {
    while (!contents.empty()) {
        const ssize_t written = ::write(descriptor, contents.data(), contents.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return false;
        contents.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

// errno of the step that failed, or 0.
int write_temporary(const fs::path& temporary, std::string_view contents, mode_t mode, bool synced) {
    Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file.valid()) return errno;
    if (::fchmod(file.number(), mode) != 0) return errno;
    if (!write_all(file.number(), contents)) return errno;
    if (synced && ::fsync(file.number()) != 0) return errno;
    return file.close() ? 0 : errno;
}

Result<std::string> read_all(const Descriptor& file, const fs::path& path, std::size_t bytes_max) {
    std::string contents;
    std::size_t size = 0;
    for (;;) {
        // One byte more than allowed, so that a file that is too large is seen without trusting its size.
        const std::size_t room = std::min<std::size_t>(bytes_max + 1 - size, 64 * 1024);
        contents.resize(size + room);
        const ssize_t got = ::read(file.number(), contents.data() + size, room);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return system_error("can't read", path, errno);
        size += static_cast<std::size_t>(got);
        if (size > bytes_max) {
            return Error{ErrorCode::too_large,
                         path.string() + " is larger than " + std::to_string(bytes_max) + " bytes",
                         {},
                         {}};
        }
        if (got == 0) break;
    }
    contents.resize(size);
    return contents;
}

Result<void> replace(const fs::path& path, std::string_view contents, mode_t mode, bool synced) {
    // Left behind by a process that was killed here; no other one writes this file at the same time.
    const fs::path temporary = path.string() + ".new";
    ::unlink(temporary.c_str());
    int number = write_temporary(temporary, contents, mode, synced);
    if (number == 0 && ::rename(temporary.c_str(), path.c_str()) != 0) number = errno;
    if (number == 0) return {};
    ::unlink(temporary.c_str());
    return system_error("can't write", path, number);
}

fs::path folder_of(const fs::path& path) {
    const fs::path folder = path.parent_path();
    return folder.empty() ? fs::path(".") : folder;
}

}  // namespace

Result<void> write_file(const fs::path& path, std::string_view contents, mode_t mode) {
    if (auto replaced = replace(path, contents, mode, true); !replaced) return replaced;
    return sync_directory(folder_of(path));
}

Result<void> write_unsynced(const fs::path& path, std::string_view contents, mode_t mode) {
    return replace(path, contents, mode, false);
}

Result<std::string> read_file(const fs::path& path, std::size_t bytes_max) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file.valid()) return system_error("can't read", path, errno);
    return read_all(file, path, bytes_max);
}

// What is checked is what is read: the file may be another by then.
Result<std::string> read_secret(const fs::path& path, std::size_t bytes_max) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat status {};
    if (!file.valid() || ::fstat(file.number(), &status) != 0) return system_error("can't read", path, errno);
    if (!S_ISREG(status.st_mode)) {
        const char* what = S_ISDIR(status.st_mode) ? " is a folder" : " is not a file";
        return Error{
            ErrorCode::storage, path.string() + what + ": put the file there, or take it away", {}, {}};
    }
    if ((status.st_mode & 077) == 0) return read_all(file, path, bytes_max);
    char mode[8];
    std::snprintf(mode, sizeof mode, "%04o", static_cast<unsigned>(status.st_mode & 07777));
    return Error{ErrorCode::forbidden,
                 path.string() + " can be reached by others (mode " + mode + "): chmod 600 " + path.string(),
                 {},
                 {}};
}

Result<void> make_directory(const fs::path& path, mode_t mode) {
    if (!path.has_filename()) return make_directory(path.parent_path(), mode);  // "folder/"
    std::error_code code;
    if (fs::is_directory(path, code)) return {};
    if (const fs::path parent = path.parent_path(); !parent.empty() && !fs::exists(parent, code)) {
        if (auto made = make_directory(parent, 0755); !made) return made.error();
    }
    if (::mkdir(path.c_str(), mode) != 0) {
        if (errno == EEXIST && fs::is_directory(path, code)) return {};
        return system_error("can't make the folder", path, errno);
    }
    if (::chmod(path.c_str(), mode) != 0) return system_error("can't set the mode of", path, errno);
    return sync_directory(folder_of(path));
}

Result<void> sync_directory(const fs::path& path) {
    Descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder.valid()) return system_error("can't open the folder", path, errno);
    if (::fsync(folder.number()) != 0) return system_error("can't sync the folder", path, errno);
    return {};
}

Result<void> remove_file(const fs::path& path) {
    if (::unlink(path.c_str()) != 0) {
        if (errno == ENOENT) return {};
        return system_error("can't remove", path, errno);
    }
    return sync_directory(folder_of(path));
}

}  // namespace meterbox::platform::system
