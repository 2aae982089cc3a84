// What survives, and what doesn't.
#include "tests/sim/memory_disk.hpp"

#include <algorithm>
#include <utility>

namespace meterbox::sim {

namespace {

constexpr std::size_t sector = 512;
constexpr std::size_t page = PagedContents::page_bytes;

std::map<std::string, MemoryDisk*>& disks() {
    static std::map<std::string, MemoryDisk*> all;
    return all;
}

}  // namespace

MemoryDisk::MemoryDisk(std::string root, Dice dice) : root_(std::move(root)), dice_(std::move(dice)) {
    disks()[root_] = this;
}

MemoryDisk::~MemoryDisk() {
    disks().erase(root_);
}

MemoryDisk* MemoryDisk::of(const std::string& path) {
    for (const auto& [root, disk] : disks())
        if (path.starts_with(root)) return disk;
    return nullptr;
}

void MemoryDisk::lose_power() {
    if (!powered_) return;
    powered_ = false;
    operations_left_ = -1;
    std::map<std::string, std::shared_ptr<File>> after;
    for (const auto& [path, file] : files_) {
        if (!file->durable) continue;
        auto left = std::make_shared<File>();
        left->contents = survivor(*file);
        left->synced = left->contents;
        left->durable = true;
        after.emplace(path, std::move(left));
    }
    files_ = std::move(after);
}

void MemoryDisk::lose_process() {
    if (!powered_) return;
    powered_ = false;
    operations_left_ = -1;
    for (auto& [path, file] : files_) file = std::make_shared<File>(*file);
}

MemoryDisk::Image MemoryDisk::image() const {
    Image image;
    for (const auto& [path, file] : files_) image.emplace(path, file->contents);
    return image;
}

MemoryDisk::Image MemoryDisk::image_for(const MemoryDisk& other) const {
    Image image;
    for (const auto& [path, file] : files_)
        image.emplace(other.root_ + path.substr(root_.size()), file->contents);
    return image;
}

void MemoryDisk::put_back(const Image& image) {
    files_.clear();
    for (const auto& [path, contents] : image) {
        auto file = std::make_shared<File>();
        file->contents = file->synced = contents;
        file->durable = true;
        files_.emplace(path, std::move(file));
    }
}

void MemoryDisk::power_on() {
    powered_ = true;
    fault_ = FileFault::none;
    operations_left_ = -1;
}

// The synced contents, and of each later write all, a part that ends or begins at a sector, or nothing.
PagedContents MemoryDisk::survivor(const File& file) {
    PagedContents contents = file.synced;
    if (file.unsynced.empty()) return contents;
    const std::int64_t kept_per_mille = std::vector<std::int64_t>{0, 500, 1'000}[dice_.number() % 3];
    for (const File::Write& write : file.unsynced) {
        if (!dice_.chance(kept_per_mille)) {
            ++lost_writes_;
            continue;
        }
        const std::size_t offset = write.offset;
        if (write.truncates) {
            contents.truncate(offset);
            continue;
        }
        std::size_t from = 0;
        std::size_t to = write.size;
        if (dice_.chance(300)) {
            ++torn_writes_;
            const std::size_t cut =
                (offset + to / 2) / sector * sector;  // a sector's border, if there is one inside
            const std::size_t at = cut > offset ? cut - offset : 0;
            (dice_.chance(500) ? from : to) = at;
        }
        contents.write(offset + from, file.unsynced_bytes.data() + write.begin + from, to - from);
    }
    return contents;
}

void MemoryDisk::count_operation() {
    ++operations_;
    if (!powered_ || operations_left_ < 0) return;
    if (operations_left_-- == 0) lose_power();
}

void MemoryDisk::fail_call(std::uint64_t number, FileFault fault, bool lasting) {
    failing_call_ = number;
    fault_ = fault;
    lasting_ = lasting;
    failed_calls_ = 0;
}

FileFault MemoryDisk::next_call(FileCall call) {
    if (spared_) return FileFault::none;
    const std::uint64_t number = ++calls_;
    if (recorded_ != nullptr) recorded_->push_back(call);
    if (!powered_ || fault_ == FileFault::none || number < failing_call_) return FileFault::none;
    if (number > failing_call_ && (!lasting_ || failed_calls_ == 0 || call != failed_kind_))
        return FileFault::none;
    const bool fits = fault_ == FileFault::error || fault_ == FileFault::power || call == FileCall::write;
    if (!fits) return FileFault::none;
    failed_kind_ = call;
    ++failed_calls_;
    if (fault_ == FileFault::power) lose_power();
    return fault_;
}

std::shared_ptr<MemoryDisk::File> MemoryDisk::open(const std::string& path) {
    if (!powered_) return std::make_shared<File>();
    auto& file = files_[path];
    if (!file) file = std::make_shared<File>();
    return file;
}

bool MemoryDisk::exists(const std::string& path) const {
    return powered_ && files_.contains(path);
}

bool MemoryDisk::is_empty(const std::string& path) const {
    return files_.at(path)->contents.size() == 0;
}

void MemoryDisk::remove(const std::string& path) {
    if (const auto found = files_.find(path); powered_ && found != files_.end()) {
        room_ += static_cast<std::int64_t>(found->second->contents.size());
        files_.erase(found);
    }
    count_operation();
}

bool MemoryDisk::write(File& file, std::int64_t offset, const char* bytes, std::size_t count) {
    const auto at = static_cast<std::size_t>(offset);
    const auto grows =
        static_cast<std::int64_t>(at + count) - static_cast<std::int64_t>(file.contents.size());
    if (powered_ && full_ && grows > 0) {
        if (grows > room_) {
            ++refused_writes_;
            return false;
        }
        room_ -= grows;
    }
    file.contents.write(at, bytes, count);
    // A system writes by pages, each of which may be on the disk without the others.
    const std::size_t begin = file.unsynced_bytes.size();
    if (powered_) file.unsynced_bytes.append(bytes, count);
    for (std::size_t done = 0; powered_ && done < count;) {
        const std::size_t place = at + done;
        const std::size_t piece = std::min(count - done, page - place % page);
        file.unsynced.push_back({place, begin + done, piece, false});
        done += piece;
    }
    count_operation();
    return true;
}

void MemoryDisk::truncate(File& file, std::int64_t size) {
    if (file.contents.size() > static_cast<std::size_t>(size)) {
        room_ += static_cast<std::int64_t>(file.contents.size()) - size;
        file.contents.truncate(static_cast<std::size_t>(size));
    }
    if (powered_) file.unsynced.push_back({static_cast<std::size_t>(size), 0, 0, true});
    count_operation();
}

void MemoryDisk::sync(File& file) {
    if (powered_ && !(lies_ && file.durable)) {
        bool whole = false;
        for (const File::Write& write : file.unsynced) whole = whole || write.truncates;
        if (whole) file.synced = file.contents;
        for (const File::Write& write : file.unsynced)
            if (!whole) file.synced.take_page(file.contents, write.offset);
        file.unsynced.clear();
        file.unsynced_bytes.clear();
        file.durable = true;
    }
    count_operation();
}

}  // namespace meterbox::sim
