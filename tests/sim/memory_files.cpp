// The memory disks as a file system of SQLite's (sqlite3_vfs). No shared memory: with EXCLUSIVE locking
// the index of the log is on the heap.
#include <sqlite3.h>

#include <cstring>
#include <new>
#include <string>

#include "core/assert.hpp"
#include "tests/sim/memory_disk.hpp"

namespace meterbox::sim {

namespace {

constexpr int path_bytes_max = 512;
constexpr int sector_bytes = 4'096;

struct OpenFile {
    sqlite3_file base;  // SQLite's own view of it: first
    MemoryDisk* disk;
    std::shared_ptr<MemoryDisk::File> file;
};

OpenFile& opened(sqlite3_file* file) {
    return *reinterpret_cast<OpenFile*>(file);
}

int close_file(sqlite3_file* file) {
    opened(file).file.~shared_ptr();
    return SQLITE_OK;
}

// Of a call whose fault isn't particular.
int failure(FileFault fault, int error) {
    if (fault == FileFault::none || fault == FileFault::power) return SQLITE_OK;
    return error;
}

int read_file(sqlite3_file* file, void* to, int count, sqlite3_int64 offset) {
    if (const int failed = failure(opened(file).disk->next_call(FileCall::read), SQLITE_IOERR_READ))
        return failed;
    const PagedContents& contents = opened(file).file->contents;
    const auto wanted = static_cast<std::size_t>(count);
    const auto from = static_cast<std::size_t>(offset);
    const std::size_t there = from >= contents.size() ? 0 : std::min(wanted, contents.size() - from);
    contents.read(from, static_cast<char*>(to), there);
    if (there == wanted) return SQLITE_OK;
    std::memset(static_cast<char*>(to) + there, 0, wanted - there);
    return SQLITE_IOERR_SHORT_READ;
}

int write_file(sqlite3_file* file, const void* from, int count, sqlite3_int64 offset) {
    OpenFile& to = opened(file);
    const auto* const bytes = static_cast<const char*>(from);
    const auto size = static_cast<std::size_t>(count);
    switch (to.disk->next_call(FileCall::write)) {
        case FileFault::error:
            return SQLITE_IOERR_WRITE;
        case FileFault::full:
            return SQLITE_FULL;
        case FileFault::short_error:
            (void)to.disk->write(*to.file, offset, bytes, size / 2);
            return SQLITE_IOERR_WRITE;
        case FileFault::short_full:
            (void)to.disk->write(*to.file, offset, bytes, size / 2);
            return SQLITE_FULL;
        case FileFault::power:
        case FileFault::none:
            break;
    }
    return to.disk->write(*to.file, offset, bytes, size) ? SQLITE_OK : SQLITE_FULL;
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
    const FileFault fault = opened(file).disk->next_call(FileCall::truncate);
    if (const int failed = failure(fault, SQLITE_IOERR_TRUNCATE)) return failed;
    opened(file).disk->truncate(*opened(file).file, size);
    return SQLITE_OK;
}

int sync_file(sqlite3_file* file, int) {
    if (const int failed = failure(opened(file).disk->next_call(FileCall::sync), SQLITE_IOERR_FSYNC))
        return failed;
    opened(file).disk->sync(*opened(file).file);
    return SQLITE_OK;
}

int size_of_file(sqlite3_file* file, sqlite3_int64* size) {
    if (const int failed = failure(opened(file).disk->next_call(FileCall::size), SQLITE_IOERR_FSTAT))
        return failed;
    *size = static_cast<sqlite3_int64>(opened(file).file->contents.size());
    return SQLITE_OK;
}

int lock_file(sqlite3_file*, int) {
    return SQLITE_OK;
}
int check_lock(sqlite3_file*, int* locked) {
    *locked = 0;
    return SQLITE_OK;
}
int control_file(sqlite3_file*, int, void*) {
    return SQLITE_NOTFOUND;
}
int sector_size(sqlite3_file*) {
    return sector_bytes;
}
int characteristics(sqlite3_file*) {  // as the real one's: what a write doesn't name, it doesn't harm
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

const sqlite3_io_methods methods = {
    1,         close_file, read_file,  write_file,   truncate_file, sync_file,       size_of_file,
    lock_file, lock_file,  check_lock, control_file, sector_size,   characteristics, nullptr,
    nullptr,   nullptr,    nullptr,    nullptr,      nullptr};

int open_file(sqlite3_vfs*, const char* path, sqlite3_file* file, int flags, int* flags_out) {
    file->pMethods = nullptr;
    MemoryDisk* const disk = path == nullptr ? nullptr : MemoryDisk::of(path);
    if (disk == nullptr) return SQLITE_CANTOPEN;
    if (const int failed = failure(disk->next_call(FileCall::open), SQLITE_CANTOPEN)) return failed;
    OpenFile& made = opened(file);
    made.disk = disk;
    new (&made.file) std::shared_ptr<MemoryDisk::File>(disk->open(path));
    file->pMethods = &methods;
    if (flags_out != nullptr) *flags_out = flags;
    return SQLITE_OK;
}

int delete_file(sqlite3_vfs*, const char* path, int) {
    MemoryDisk* const disk = MemoryDisk::of(path);
    if (disk == nullptr) return SQLITE_OK;
    if (const int failed = failure(disk->next_call(FileCall::remove), SQLITE_IOERR_DELETE)) return failed;
    disk->remove(path);
    return SQLITE_OK;
}

// As SQLite's own: a file without length exists for who wants to write it alone.
int is_there(sqlite3_vfs*, const char* path, int flags, int* there) {
    MemoryDisk* const disk = MemoryDisk::of(path);
    *there = 0;
    if (disk != nullptr) {
        if (const int failed = failure(disk->next_call(FileCall::look), SQLITE_IOERR_ACCESS)) return failed;
    }
    const bool found = disk != nullptr && disk->exists(path);
    *there = found && (flags != SQLITE_ACCESS_EXISTS || !disk->is_empty(path)) ? 1 : 0;
    return SQLITE_OK;
}

int full_path(sqlite3_vfs*, const char* path, int bytes, char* to) {
    if (std::strlen(path) + 1 > static_cast<std::size_t>(bytes)) return SQLITE_CANTOPEN;
    std::strcpy(to, path);
    return SQLITE_OK;
}

std::uint64_t randomness = 0;

int random_bytes(sqlite3_vfs*, int count, char* to) {
    Dice dice(++randomness);
    for (int i = 0; i < count; ++i) to[i] = static_cast<char>(dice.number());
    return count;
}

int sleep_a_while(sqlite3_vfs*, int microseconds) {
    return microseconds;
}
int current_time(sqlite3_vfs*, double* julian_day) {
    *julian_day = 2'460'000.5;
    return SQLITE_OK;
}
int last_error(sqlite3_vfs*, int, char*) {
    return 0;
}

}  // namespace

void open_memory_files() {
    static sqlite3_vfs system{};
    system.iVersion = 1;
    system.szOsFile = sizeof(OpenFile);
    system.mxPathname = path_bytes_max;
    system.zName = "memory-disks";
    system.xOpen = open_file;
    system.xDelete = delete_file;
    system.xAccess = is_there;
    system.xFullPathname = full_path;
    system.xRandomness = random_bytes;
    system.xSleep = sleep_a_while;
    system.xCurrentTime = current_time;
    system.xGetLastError = last_error;
    METERBOX_ASSERT(sqlite3_vfs_register(&system, 1) == SQLITE_OK);
}

void seed_sqlite(std::uint64_t seed) {
    randomness = seed;
    sqlite3_randomness(0, nullptr);
}

}  // namespace meterbox::sim
