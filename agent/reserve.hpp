// Room on the disk that is kept for charging: a file beside the journal that is let go when the disk is
// full, so that sessions go on being metered, units completed, leases taken up and usage settled, while new
// reports are refused. Made again once there is room for it twice. A file without length: it was let go,
// also by a process before this one. Where it never was, and has no room, it is as good as let go. Store
// side, but for gone().
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>

#include "core/error.hpp"

namespace meterbox::platform::sqlite {
class PlainFile;
}

namespace meterbox::agent {

// Of the file system, in bytes.
struct DiskSpace {
    std::int64_t total = 0;
    std::int64_t free = 0;
};
using DiskSpaceOf = std::function<std::optional<DiskSpace>(const std::filesystem::path& folder)>;
std::optional<DiskSpace> disk_space(const std::filesystem::path& folder);  // the real one

class Reserve {
public:
    explicit Reserve(std::filesystem::path path, DiskSpaceOf space = disk_space);
    ~Reserve();

    bool gone() const { return gone_; }  // any thread: it isn't there, and there is no room for it yet
    bool held() const { return held_; }
    void let_go();
    // True: it is there. False: there is no room for it, or the disk can't be asked.
    bool make();

private:
    // What it takes, if there is room for that twice; none: the disk can't be asked; 0: no room.
    std::optional<std::int64_t> has_room() const;
    bool grow(std::int64_t size);
    void complete();

    std::filesystem::path path_;
    DiskSpaceOf space_;
    std::unique_ptr<platform::sqlite::PlainFile> file_;
    std::atomic<bool> gone_ = false;
    bool held_ = false;
};

}  // namespace meterbox::agent
