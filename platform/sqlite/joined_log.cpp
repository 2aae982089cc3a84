#include "platform/sqlite/joined_log.hpp"

#include <sqlite3.h>

#include <new>
#include <string>

#include "core/assert.hpp"
#include "core/limits.hpp"
#include "platform/sqlite/library.hpp"

namespace meterbox::platform::sqlite {

namespace {

sqlite3_vfs* beneath = nullptr;  // the file system that does the work

// A log, with what of it isn't written yet. The file beneath lies right behind it, in SQLite's memory, which
// is aligned to 8 bytes and no more.
struct JoinedLog {
    sqlite3_file base;  // SQLite's own view of it: first
    std::string gathered;
    sqlite3_int64 offset;  // of its first byte

    sqlite3_file* file() { return reinterpret_cast<sqlite3_file*>(this + 1); }

    // What can't be written is gone: its transaction fails, and whoever makes the next one writes over it.
    int write_gathered() {
        if (gathered.empty()) return SQLITE_OK;
        const int code =
            file()->pMethods->xWrite(file(), gathered.data(), static_cast<int>(gathered.size()), offset);
        gathered.clear();
        if (gathered.capacity() > core::limits::joined_log_bytes_kept) gathered.shrink_to_fit();
        return code;
    }
};
static_assert(alignof(JoinedLog) == 8 && sizeof(JoinedLog) % 8 == 0);

JoinedLog& log_of(sqlite3_file* file) {
    return *reinterpret_cast<JoinedLog*>(file);
}

int close_log(sqlite3_file* file) {
    JoinedLog& log = log_of(file);
    // What was not synced was not committed.
    const int code = log.file()->pMethods->xClose(log.file());
    log.gathered.~basic_string();
    return code;
}

int read_log(sqlite3_file* file, void* to, int count, sqlite3_int64 offset) {
    JoinedLog& log = log_of(file);
    if (const int failed = log.write_gathered()) return failed;
    return log.file()->pMethods->xRead(log.file(), to, count, offset);
}

// SQLite's frames can't be left by an exception: without memory the process ends.
int write_log(sqlite3_file* file, const void* from, int count, sqlite3_int64 offset) noexcept {
    JoinedLog& log = log_of(file);
    const auto size = static_cast<std::size_t>(count);
    const bool joins = offset == log.offset + static_cast<sqlite3_int64>(log.gathered.size()) &&
                       log.gathered.size() + size <= core::limits::joined_log_bytes_max;
    if (!joins) {
        if (const int failed = log.write_gathered()) return failed;
        log.offset = offset;
    }
    if (log.gathered.empty()) log.gathered.reserve(core::limits::joined_log_bytes_kept);
    log.gathered.append(static_cast<const char*>(from), size);
    return SQLITE_OK;
}

int truncate_log(sqlite3_file* file, sqlite3_int64 size) {
    JoinedLog& log = log_of(file);
    if (const int failed = log.write_gathered()) return failed;
    return log.file()->pMethods->xTruncate(log.file(), size);
}

int sync_log(sqlite3_file* file, int flags) {
    JoinedLog& log = log_of(file);
    if (const int failed = log.write_gathered()) return failed;
    return log.file()->pMethods->xSync(log.file(), flags);
}

int log_size(sqlite3_file* file, sqlite3_int64* size) {
    JoinedLog& log = log_of(file);
    if (const int failed = log.write_gathered()) return failed;
    return log.file()->pMethods->xFileSize(log.file(), size);
}

int lock_log(sqlite3_file* file, int level) {
    return log_of(file).file()->pMethods->xLock(log_of(file).file(), level);
}
int unlock_log(sqlite3_file* file, int level) {
    return log_of(file).file()->pMethods->xUnlock(log_of(file).file(), level);
}
int check_reserved_lock(sqlite3_file* file, int* held) {
    return log_of(file).file()->pMethods->xCheckReservedLock(log_of(file).file(), held);
}
int control_log(sqlite3_file* file, int operation, void* argument) {
    return log_of(file).file()->pMethods->xFileControl(log_of(file).file(), operation, argument);
}
int sector_size(sqlite3_file* file) {
    return log_of(file).file()->pMethods->xSectorSize(log_of(file).file());
}
int characteristics(sqlite3_file* file) {
    return log_of(file).file()->pMethods->xDeviceCharacteristics(log_of(file).file());
}

constexpr sqlite3_io_methods log_methods{
    .iVersion = 1,
    .xClose = close_log,
    .xRead = read_log,
    .xWrite = write_log,
    .xTruncate = truncate_log,
    .xSync = sync_log,
    .xFileSize = log_size,
    .xLock = lock_log,
    .xUnlock = unlock_log,
    .xCheckReservedLock = check_reserved_lock,
    .xFileControl = control_log,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = characteristics,
    .xShmMap = nullptr,
    .xShmLock = nullptr,
    .xShmBarrier = nullptr,
    .xShmUnmap = nullptr,
    .xFetch = nullptr,
    .xUnfetch = nullptr,
};

int open_file(sqlite3_vfs*, const char* path, sqlite3_file* file, int flags, int* flags_out) {
    if ((flags & SQLITE_OPEN_WAL) == 0) return beneath->xOpen(beneath, path, file, flags, flags_out);
    auto* const log = new (file) JoinedLog{.base = {.pMethods = nullptr}, .gathered = {}, .offset = 0};
    const int code = beneath->xOpen(beneath, path, log->file(), flags, flags_out);
    if (code == SQLITE_OK) {
        log->base.pMethods = &log_methods;
    } else {
        log->gathered.~basic_string();
    }
    return code;
}

int delete_file(sqlite3_vfs*, const char* path, int sync_folder) {
    return beneath->xDelete(beneath, path, sync_folder);
}
int is_there(sqlite3_vfs*, const char* path, int flags, int* there) {
    return beneath->xAccess(beneath, path, flags, there);
}
int full_path(sqlite3_vfs*, const char* path, int bytes, char* to) {
    return beneath->xFullPathname(beneath, path, bytes, to);
}
int random_bytes(sqlite3_vfs*, int count, char* to) {
    return beneath->xRandomness(beneath, count, to);
}
int sleep_a_while(sqlite3_vfs*, int microseconds) {
    return beneath->xSleep(beneath, microseconds);
}
int current_time(sqlite3_vfs*, double* julian_day) {
    return beneath->xCurrentTime(beneath, julian_day);
}
int last_error(sqlite3_vfs*, int count, char* text) {
    return beneath->xGetLastError(beneath, count, text);
}

const char* register_file_system() {
    start_library();
    beneath = sqlite3_vfs_find(nullptr);
    static sqlite3_vfs system{};
    system.iVersion = 1;
    system.szOsFile = static_cast<int>(sizeof(JoinedLog)) + beneath->szOsFile;
    system.mxPathname = beneath->mxPathname;
    system.zName = "joined_log";
    system.xOpen = open_file;
    system.xDelete = delete_file;
    system.xAccess = is_there;
    system.xFullPathname = full_path;
    system.xRandomness = random_bytes;
    system.xSleep = sleep_a_while;
    system.xCurrentTime = current_time;
    system.xGetLastError = last_error;
    METERBOX_ASSERT(sqlite3_vfs_register(&system, 0) == SQLITE_OK);
    return system.zName;
}

}  // namespace

const char* joined_log_file_system() {
    static const char* const name = register_file_system();
    return name;
}

}  // namespace meterbox::platform::sqlite
