// Small files done right: keys, certificates, tokens, settings. A write is atomic and on the disk
// when it returns; a read is bounded; a secret that others can read is refused. Errors name the file.
// Not for anything that grows: that is the journal's.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace meterbox::platform::system {

// Replaces the file as a whole, or not at all: a temporary file beside it, fsync, rename, fsync of the
// folder. The mode holds from the first byte, whatever the umask.
[[nodiscard]] core::Result<void> write_file(const std::filesystem::path& path, std::string_view contents,
                                            mode_t mode);

// The same without any fsync: other processes see the file as a whole, and a power cut may take it.
[[nodiscard]] core::Result<void> write_unsynced(const std::filesystem::path& path, std::string_view contents,
                                                mode_t mode);

// not_found when it isn't there, forbidden when it can't be read, too_large beyond bytes_max.
[[nodiscard]] core::Result<std::string> read_file(const std::filesystem::path& path, std::size_t bytes_max);

// As read_file; forbidden when group or others have any right on it, with the command that mends it.
[[nodiscard]] core::Result<std::string> read_secret(const std::filesystem::path& path, std::size_t bytes_max);

// The folder and its parents; one that is there already keeps its mode. mode is the last one's.
[[nodiscard]] core::Result<void> make_directory(const std::filesystem::path& path, mode_t mode);

// What was created, renamed or removed in the folder survives a power cut afterwards.
[[nodiscard]] core::Result<void> sync_directory(const std::filesystem::path& path);

// Done also when it isn't there.
[[nodiscard]] core::Result<void> remove_file(const std::filesystem::path& path);

}  // namespace meterbox::platform::system
