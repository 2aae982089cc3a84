// Up to when the account was told what sessions ran, in a file beside the products' socket: on most machines
// in memory, so that it isn't put back with the journal. A journal that is behind it was put back from a copy
// in the same boot, perhaps while its products ran on: what they ran up to the mark counts by the journal
// that is gone, and must not count once more; what that didn't tell counts by this one. One mark for all: of
// a session that its heartbeats keep up to a heartbeat before it may count by neither. Written after the
// commit, and not synced, so it is never ahead of an honest journal: it outlives the process, and no boot.
// Best effort. Store side.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "core/time.hpp"
#include "platform/sqlite/plain_file.hpp"

namespace meterbox::agent {

struct MeteredMark {
    std::string boot_id;
    std::int64_t sequence = 0;  // of the chain's link that was committed with it
    core::MonotonicTime mark;   // of that boot
};

class MeteredMarkFile {
public:
    // Empty: none is kept.
    explicit MeteredMarkFile(std::filesystem::path path) : path_(std::move(path)) {}

    std::optional<MeteredMark> read();  // one that can't be read is none
    void write(const MeteredMark& mark);

private:
    std::filesystem::path path_;
    std::unique_ptr<platform::sqlite::PlainFile> file_;
};

}  // namespace meterbox::agent
