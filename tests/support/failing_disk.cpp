// Preloaded into a program under test: while the file that METERBOX_FAILING_DISK names is there, every sync
// of a file in the folder METERBOX_FAILING_FOLDER fails with EIO, as on a disk that is going.
#include <dlfcn.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

bool fails(int descriptor) {
    const char* const control = std::getenv("METERBOX_FAILING_DISK");
    const char* const folder = std::getenv("METERBOX_FAILING_FOLDER");
    if (control == nullptr || folder == nullptr || ::access(control, F_OK) != 0) return false;
    char path[PATH_MAX];
    const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
    const ssize_t length = ::readlink(link.c_str(), path, sizeof path);
    return length > 0 && std::string(path, static_cast<std::size_t>(length)).rfind(folder, 0) == 0;
}

int sync_or_fail(const char* name, int descriptor) {
    if (fails(descriptor)) {
        errno = EIO;
        return -1;
    }
    using Sync = int (*)(int);
    return reinterpret_cast<Sync>(::dlsym(RTLD_NEXT, name))(descriptor);
}

}  // namespace

extern "C" int fsync(int descriptor) {
    return sync_or_fail("fsync", descriptor);
}
extern "C" int fdatasync(int descriptor) {
    return sync_or_fail("fdatasync", descriptor);
}
