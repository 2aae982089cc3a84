#include "agent/fault_count.hpp"

#include <sstream>
#include <string>
#include <utility>

#include "core/limits.hpp"
#include "platform/system/files.hpp"

namespace meterbox::agent {

namespace {
constexpr std::size_t file_bytes_max = 64 * 1024;
}

FaultCount::FaultCount(std::vector<std::filesystem::path> files, const platform::system::Clock& clock)
    : files_(std::move(files)), clock_(clock) {}

// A file is the boot's id and the moments in it, a line each. Whatever else it holds counts nothing.
std::set<std::int64_t> FaultCount::moments() const {
    std::set<std::int64_t> moments;
    const std::int64_t now = clock_.boot_now().ms;
    for (const std::filesystem::path& file : files_) {
        const auto text = platform::system::read_file(file, file_bytes_max);
        if (!text) continue;
        std::istringstream lines(*text);
        std::string boot;
        if (!std::getline(lines, boot) || boot.empty() || boot != clock_.boot_id()) continue;
        for (std::int64_t moment = 0; lines >> moment;)
            if (moment <= now && now - moment < core::limits::store_fault_window_ms) moments.insert(moment);
    }
    return moments;
}

std::int64_t FaultCount::recent() const {
    return static_cast<std::int64_t>(moments().size());
}

std::int64_t FaultCount::note() {
    std::set<std::int64_t> all = moments();
    std::int64_t now = clock_.boot_now().ms;
    while (!all.insert(now).second) --now;
    std::string text = clock_.boot_id() + "\n";
    for (const std::int64_t moment : all) text += std::to_string(moment) + "\n";
    // Not synced: counts don't outlive the boot, and a sync is what this disk may fail at. The other file may
    // be there.
    for (const std::filesystem::path& file : files_) (void)platform::system::write_unsynced(file, text, 0600);
    return static_cast<std::int64_t>(all.size());
}

}  // namespace meterbox::agent
