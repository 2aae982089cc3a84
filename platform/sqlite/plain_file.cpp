#include "platform/sqlite/plain_file.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "platform/sqlite/library.hpp"

namespace meterbox::platform::sqlite {

namespace {

core::Error error(std::string_view what, const std::string& path, int code) {
    return {core::ErrorCode::storage,
            std::string(what) + " " + path + ": " + sqlite3_errstr(code) + " [sqlite " +
                std::to_string(code) + "]",
            {},
            {}};
}

}  // namespace

// SQLite's own part is as long as its file system says, and keeps the path by its address.
struct PlainFile::Handle {
    std::string path;
    std::vector<std::max_align_t> memory;
    bool open = false;

    explicit Handle(std::string of) : path(std::move(of)) {
        const auto bytes = static_cast<std::size_t>(sqlite3_vfs_find(nullptr)->szOsFile);
        memory.resize(bytes / sizeof(std::max_align_t) + 1);
    }
    ~Handle() {
        if (open) file()->pMethods->xClose(file());
    }
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
    sqlite3_file* file() { return reinterpret_cast<sqlite3_file*>(memory.data()); }
};

PlainFile::PlainFile(std::string path, std::unique_ptr<Handle> handle)
    : path_(std::move(path)), handle_(std::move(handle)) {}
PlainFile::~PlainFile() = default;

core::Result<std::unique_ptr<PlainFile>> PlainFile::open(const std::filesystem::path& path) {
    start_library();
    // Made by us first, so that its mode is ours.
    const int made = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (made >= 0) ::close(made);
    auto handle = std::make_unique<Handle>(path.string());
    sqlite3_vfs* const system = sqlite3_vfs_find(nullptr);
    // Of the kinds that SQLite knows, the one that it neither locks nor deletes.
    constexpr int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_SUPER_JOURNAL;
    const int code = system->xOpen(system, handle->path.c_str(), handle->file(), flags, nullptr);
    if (code != SQLITE_OK) return error("can't open", path.string(), code);
    handle->open = true;
    return std::unique_ptr<PlainFile>(new PlainFile(path.string(), std::move(handle)));
}

core::Result<bool> PlainFile::exists(const std::filesystem::path& path) {
    start_library();
    sqlite3_vfs* const system = sqlite3_vfs_find(nullptr);
    int there = 0;
    // For SQLITE_ACCESS_EXISTS a file without length isn't there.
    const int code = system->xAccess(system, path.c_str(), SQLITE_ACCESS_READWRITE, &there);
    if (code != SQLITE_OK) return error("can't look for", path.string(), code);
    return there != 0;
}

core::Error PlainFile::failure(std::string_view what, int code) const {
    return error(what, path_, code);
}

core::Result<std::int64_t> PlainFile::size() {
    sqlite3_int64 size = 0;
    const int code = handle_->file()->pMethods->xFileSize(handle_->file(), &size);
    if (code != SQLITE_OK) return failure("can't read", code);
    return static_cast<std::int64_t>(size);
}

core::Result<std::string> PlainFile::read(std::int64_t offset, std::size_t bytes) {
    const auto there = size();
    if (!there) return there.error();
    const std::int64_t rest = std::max<std::int64_t>(0, *there - offset);
    std::string contents(static_cast<std::size_t>(std::min(rest, static_cast<std::int64_t>(bytes))), '\0');
    if (contents.empty()) return contents;
    const int code = handle_->file()->pMethods->xRead(handle_->file(), contents.data(),
                                                      static_cast<int>(contents.size()), offset);
    if (code != SQLITE_OK) return failure("can't read", code);
    return contents;
}

core::Result<void> PlainFile::write(std::int64_t offset, std::string_view bytes) {
    const int code = handle_->file()->pMethods->xWrite(handle_->file(), bytes.data(),
                                                       static_cast<int>(bytes.size()), offset);
    if (code != SQLITE_OK) return failure("can't write", code);
    return {};
}

core::Result<void> PlainFile::truncate(std::int64_t size) {
    const int code = handle_->file()->pMethods->xTruncate(handle_->file(), size);
    if (code != SQLITE_OK) return failure("can't cut", code);
    return {};
}

core::Result<void> PlainFile::sync() {
    const int code = handle_->file()->pMethods->xSync(handle_->file(), SQLITE_SYNC_NORMAL);
    if (code != SQLITE_OK) return failure("can't sync", code);
    return {};
}

}  // namespace meterbox::platform::sqlite
