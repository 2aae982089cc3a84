// A machine's disk in memory, under SQLite: it knows of every file what a sync has made durable and what
// was only written. When the power goes, any part of the latter may be there, torn at sectors, or none;
// what was synced is. It can also be full, lose the power at the Nth operation from now, and fail any call.
//
// open_memory_files() makes it SQLite's default file system in this process; a path belongs to the disk
// whose root begins it. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/dice.hpp"
#include "tests/sim/paged_contents.hpp"

namespace meterbox::sim {

// What SQLite asks of a file system.
enum class FileCall { open, read, write, truncate, sync, size, remove, look };
enum class FileFault {
    none,
    error,        // EIO, or a file that can't be opened
    full,         // a write that finds no room
    short_error,  // half of a write is there, and then EIO
    short_full,   // half of a write is there, and then no room
    power,        // the power is lost before it
};

class MemoryDisk {
public:
    struct File {
        struct Write {  // since the last sync
            std::size_t offset = 0;
            std::size_t begin = 0;  // in unsynced_bytes
            std::size_t size = 0;
            bool truncates = false;  // to offset
        };
        PagedContents contents;
        PagedContents synced;
        bool durable = false;  // the file itself survives
        std::vector<Write> unsynced;
        std::string unsynced_bytes;  // of all of them
    };

    MemoryDisk(std::string root, Dice dice);
    ~MemoryDisk();
    MemoryDisk(const MemoryDisk&) = delete;
    MemoryDisk& operator=(const MemoryDisk&) = delete;

    // From now on whoever has files open writes to nowhere, unharmed, until power_on().
    void lose_power();
    void lose_process();  // the machine goes on: what was written is there, synced or not
    void lose_power_after(std::int64_t operations) { operations_left_ = operations; }
    void lose_no_power() { operations_left_ = -1; }
    bool powered() const { return powered_; }
    void power_on();

    // A copy of what is on it now, and putting it back in place of what is there since. Not while it runs.
    using Image = std::map<std::string, PagedContents>;
    Image image() const;
    Image image_for(const MemoryDisk& other) const;  // as it would be there
    void put_back(const Image& image);

    void set_full(bool full) {
        full_ = full;
        room_ = 0;
    }
    bool full() const { return full_; }
    std::int64_t room() const { return full_ ? room_ : plenty; }  // what was given back since it was full

    // The call of that number, counted from the beginning, fails so; and all after it of its kind, until the
    // power is on again. Calls that can't fail in that way don't.
    void fail_call(std::uint64_t number, FileFault fault, bool lasting);
    std::uint64_t calls() const { return calls_; }
    std::uint64_t failed_calls() const { return failed_calls_; }
    void spare(bool spared) { spared_ = spared; }                     // nothing fails while it is
    void record(std::vector<FileCall>* calls) { recorded_ = calls; }  // what is asked of it from now on

    // A canary's disk: forgets what was synced, too.
    void lie_about_syncs() { lies_ = true; }

    std::uint64_t operations() const { return operations_; }
    std::uint64_t lost_writes() const { return lost_writes_; }        // not durable when the power went
    std::uint64_t torn_writes() const { return torn_writes_; }        // of those, a part of which is there
    std::uint64_t refused_writes() const { return refused_writes_; }  // it was full

    // For SQLite's side.
    FileFault next_call(FileCall call);
    std::shared_ptr<File> open(const std::string& path);
    bool exists(const std::string& path) const;
    bool is_empty(const std::string& path) const;  // one that exists
    void remove(const std::string& path);
    bool write(File& file, std::int64_t offset, const char* bytes, std::size_t count);  // false: full
    void truncate(File& file, std::int64_t size);
    void sync(File& file);
    static MemoryDisk* of(const std::string& path);

private:
    void count_operation();
    PagedContents survivor(const File& file);

    static constexpr std::int64_t plenty = std::int64_t{1} << 40;

    std::string root_;
    Dice dice_;
    std::uint64_t calls_ = 0;
    std::uint64_t failed_calls_ = 0;
    std::uint64_t failing_call_ = 0;
    FileFault fault_ = FileFault::none;
    FileCall failed_kind_ = FileCall::open;
    bool lasting_ = false;
    bool spared_ = false;
    std::vector<FileCall>* recorded_ = nullptr;
    std::int64_t room_ = 0;
    std::map<std::string, std::shared_ptr<File>> files_;
    bool powered_ = true;
    bool full_ = false;
    bool lies_ = false;
    std::int64_t operations_left_ = -1;
    std::uint64_t operations_ = 0;
    std::uint64_t lost_writes_ = 0;
    std::uint64_t torn_writes_ = 0;
    std::uint64_t refused_writes_ = 0;
};

// Once, before the first database. seed: of SQLite's own randomness, from now on.
void open_memory_files();
void seed_sqlite(std::uint64_t seed);

}  // namespace meterbox::sim
