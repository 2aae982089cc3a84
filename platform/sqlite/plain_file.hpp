// A small file beside a database, by way of SQLite's file system: so it fares as the database does, also on
// the disks that tests make. Whoever writes says when it must be on the disk. One thread at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace meterbox::platform::sqlite {

class PlainFile {
public:
    // Made when it isn't there, with mode 0600.
    [[nodiscard]] static core::Result<std::unique_ptr<PlainFile>> open(const std::filesystem::path& path);
    // Also one without length.
    [[nodiscard]] static core::Result<bool> exists(const std::filesystem::path& path);
    ~PlainFile();
    PlainFile(const PlainFile&) = delete;
    PlainFile& operator=(const PlainFile&) = delete;

    [[nodiscard]] core::Result<std::int64_t> size();
    // What there is of so many bytes.
    [[nodiscard]] core::Result<std::string> read(std::int64_t offset, std::size_t bytes);
    [[nodiscard]] core::Result<void> write(std::int64_t offset, std::string_view bytes);
    [[nodiscard]] core::Result<void> truncate(std::int64_t size);
    [[nodiscard]] core::Result<void> sync();  // the first one: the file's name in its folder, too

private:
    struct Handle;
    PlainFile(std::string path, std::unique_ptr<Handle> handle);
    core::Error failure(std::string_view what, int code) const;

    std::string path_;
    std::unique_ptr<Handle> handle_;
};

}  // namespace meterbox::platform::sqlite
