#include "agent/reserve.hpp"

#include <algorithm>
#include <string>
#include <system_error>
#include <utility>

#include "core/limits.hpp"
#include "platform/sqlite/plain_file.hpp"

namespace meterbox::agent {

using platform::sqlite::PlainFile;

namespace {
constexpr std::int64_t piece_bytes = 64 * 1024;
}

std::optional<DiskSpace> disk_space(const std::filesystem::path& folder) {
    std::error_code failed;
    const auto space = std::filesystem::space(folder.empty() ? "." : folder, failed);
    if (failed) return std::nullopt;
    return DiskSpace{static_cast<std::int64_t>(space.capacity), static_cast<std::int64_t>(space.available)};
}

Reserve::Reserve(std::filesystem::path path, DiskSpaceOf space)
    : path_(std::move(path)), space_(std::move(space)) {
    gone_ = has_room() == 0;
    const auto there = PlainFile::exists(path_);
    if (!there || !*there) return;
    auto file = PlainFile::open(path_);
    if (!file) return;
    file_ = std::move(*file);
    const auto size = file_->size();
    if (!size) return;
    held_ = *size > 0;
    gone_ = *size == 0;
}

Reserve::~Reserve() = default;

void Reserve::let_go() {
    gone_ = true;
    held_ = false;
    if (file_) (void)file_->truncate(0);  // if even that fails, there is nothing more to let go
}

std::optional<std::int64_t> Reserve::has_room() const {
    const auto space = space_(path_.parent_path());
    if (!space || space->total == 0) return std::nullopt;  // some file systems don't say
    const std::int64_t size =
        std::min(core::limits::reserve_bytes_max, space->total / core::limits::reserve_share_of_disk);
    return space->free < 2 * size ? 0 : size;
}

bool Reserve::make() {
    if (held_) {
        complete();
        return true;
    }
    const auto size = has_room();
    if (!size) return false;
    if (*size == 0) {
        gone_ = true;
        return false;
    }
    if (!file_) {
        auto file = PlainFile::open(path_);
        if (!file) return false;
        file_ = std::move(*file);
    }
    if (!grow(*size)) {
        gone_ = true;  // a quota, or somebody was faster
        (void)file_->truncate(0);
        return false;
    }
    held_ = true;
    gone_ = false;
    return true;
}

// A crash while it was made, or soon after, may have left a part of it.
void Reserve::complete() {
    const auto there = file_->size();
    const auto size = has_room();
    if (there && size && *there < *size) (void)grow(*size);
}

// Bytes that are written are room that is taken, on every file system.
bool Reserve::grow(std::int64_t size) {
    const std::string piece(static_cast<std::size_t>(piece_bytes), '\0');
    for (std::int64_t at = 0; at < size; at += piece_bytes) {
        const auto count = static_cast<std::size_t>(std::min(piece_bytes, size - at));
        if (!file_->write(at, std::string_view(piece).substr(0, count))) return false;
    }
    return true;
}

}  // namespace meterbox::agent
