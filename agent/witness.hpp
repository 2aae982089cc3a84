// The witness's file beside the journal (core/witness.hpp says what it is good for): two slots, written in
// turn, each with a number and a checksum, so that a write that is cut leaves the one before. Store side.
//
// It is written after the commit that it bears witness to, and isn't synced: the commit was, so whatever of
// the witness the disk keeps is behind the journal or level with it, and an honest journal is never
// suspected. What a power cut takes of it shortens its memory by seconds, and a sync in every commit would
// cost as much as the commit itself. It is best effort: a write that fails is made up for by the next.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>

#include "core/witness.hpp"
#include "platform/sqlite/plain_file.hpp"

namespace meterbox::agent {

class Witness {
public:
    // Reads what is there. One that can't be read is none.
    explicit Witness(std::filesystem::path path);

    const std::optional<core::WitnessRecord>& record() const { return record_; }  // the newest
    void write(core::WitnessRecord record);

private:
    std::optional<core::WitnessRecord> read_slot(std::int64_t slot);

    std::filesystem::path path_;
    std::unique_ptr<platform::sqlite::PlainFile> file_;
    std::optional<core::WitnessRecord> record_;
    std::int64_t writes_ = 0;  // number of the newest
};

}  // namespace meterbox::agent
