#include "account/kept_files.hpp"

#include "platform/system/files.hpp"

namespace meterbox::account {

using core::Result;
namespace system = platform::system;

namespace {

constexpr std::size_t file_bytes_max = 64 * 1024;
constexpr mode_t secret_mode = 0600;
constexpr mode_t public_mode = 0644;

bool is_public(std::string_view name) {
    return name.ends_with(".crt");
}

core::Error no_such(const std::string& name) {
    return {core::ErrorCode::not_found, name + " isn't there", std::nullopt, {}};
}

}  // namespace

Result<std::string> FilesInFolder::read(const std::string& name) const {
    if (is_public(name)) return system::read_file(folder_ / name, file_bytes_max);
    return system::read_secret(folder_ / name, file_bytes_max);
}

Result<void> FilesInFolder::write(const std::string& name, const std::string& contents) {
    return system::write_file(folder_ / name, contents, is_public(name) ? public_mode : secret_mode);
}

Result<std::string> FilesInDatabase::read(const std::string& name) const {
    auto contents = database_.first(
        "SELECT contents FROM kept_file WHERE name = ?", [](auto& row) { return row.string(0); }, name);
    if (database_.failed()) return database_.error();
    if (!contents) return no_such(name);
    return std::move(*contents);
}

Result<void> FilesInDatabase::write(const std::string& name, const std::string& contents) {
    database_.run("INSERT INTO kept_file (name, contents) VALUES (?, ?)", name, contents);
    if (database_.failed()) return database_.error();
    return {};
}

Result<std::string> FilesInMemory::read(const std::string& name) const {
    const auto found = files_.find(name);
    if (found == files_.end()) return no_such(name);
    return found->second;
}

Result<void> FilesInMemory::write(const std::string& name, const std::string& contents) {
    files_[name] = contents;
    return {};
}

}  // namespace meterbox::account
