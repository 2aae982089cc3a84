// Opening the journal's database. One that is damaged is set aside with its log, under the names
// journal.db.damaged-N, and a new one is begun: it is never repaired in place, for what a repair makes of
// usage nobody could vouch for. All of them are kept.
#pragma once

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "platform/sqlite/connection.hpp"

namespace meterbox::agent {

// The disk fails or is full, which may pass: not the file's fault, nor the admin's.
struct StorageFailed : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct OpenedDatabase {
    std::unique_ptr<platform::sqlite::Connection> connection;
    std::string damage;  // what was wrong with the one that was set aside just now; empty: none was
};

// Throws StorageFailed; std::runtime_error if it is another program's, another process's, or newer.
OpenedDatabase open_journal_database(const std::filesystem::path& path);

// Also while it is open: whoever has it open then ends.
[[nodiscard]] core::Result<void> set_aside(const std::filesystem::path& path);
std::vector<std::string> journals_set_aside(const std::filesystem::path& path);  // names, the oldest first

}  // namespace meterbox::agent
