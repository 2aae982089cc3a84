#include "agent/metered_mark.hpp"

#include <sstream>
#include <utility>

namespace meterbox::agent {

using platform::sqlite::PlainFile;

namespace {
constexpr std::size_t bytes_max = 256;
constexpr std::string_view whole = "whole";  // a line that was cut has none
}  // namespace

std::optional<MeteredMark> MeteredMarkFile::read() {
    if (path_.empty()) return std::nullopt;
    const auto there = PlainFile::exists(path_);
    if (!there || !*there) return std::nullopt;
    const auto file = PlainFile::open(path_);
    if (!file) return std::nullopt;
    const auto text = (*file)->read(0, bytes_max);
    if (!text) return std::nullopt;
    std::istringstream line(*text);
    MeteredMark mark;
    std::string end;
    if (!(line >> mark.boot_id >> mark.sequence >> mark.mark.ms >> end) || end != whole) return std::nullopt;
    return mark;
}

void MeteredMarkFile::write(const MeteredMark& mark) {
    if (path_.empty()) return;
    if (!file_) {
        auto file = PlainFile::open(path_);
        if (!file) return;
        file_ = std::move(*file);
    }
    // Each line covers all of the one before.
    std::string line = mark.boot_id + " " + std::to_string(mark.sequence) + " " +
                       std::to_string(mark.mark.ms) + " " + std::string(whole);
    if (line.size() >= bytes_max) return;
    line.resize(bytes_max - 1, ' ');
    (void)file_->write(0, line + "\n");
}

}  // namespace meterbox::agent
