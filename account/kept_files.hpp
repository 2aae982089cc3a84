// Where the account keeps small texts that are made once, by name: keys, certificates, the admin token. In
// the store's folder, or, where several processes share a database, in that. A name that ends in .crt is for
// everybody; all others are secrets, 0600 in a folder.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "account/database.hpp"
#include "core/error.hpp"

namespace meterbox::account {

class KeptFiles {
public:
    virtual ~KeptFiles() = default;
    // not_found: there is none.
    [[nodiscard]] virtual core::Result<std::string> read(const std::string& name) const = 0;
    // It is there when this returns; in a database, with the commit.
    [[nodiscard]] virtual core::Result<void> write(const std::string& name, const std::string& contents) = 0;
    virtual std::string place() const = 0;  // for people
};

class FilesInFolder final : public KeptFiles {
public:
    explicit FilesInFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}
    core::Result<std::string> read(const std::string& name) const override;
    core::Result<void> write(const std::string& name, const std::string& contents) override;
    std::string place() const override { return folder_.string(); }

private:
    std::filesystem::path folder_;
};

// The table kept_file. What is there is never replaced.
class FilesInDatabase final : public KeptFiles {
public:
    explicit FilesInDatabase(Database& database) : database_(database) {}
    core::Result<std::string> read(const std::string& name) const override;
    core::Result<void> write(const std::string& name, const std::string& contents) override;
    std::string place() const override { return "the database's table kept_file"; }

private:
    Database& database_;
};

// As long as the process runs: what each makes for itself.
class FilesInMemory final : public KeptFiles {
public:
    core::Result<std::string> read(const std::string& name) const override;
    core::Result<void> write(const std::string& name, const std::string& contents) override;
    std::string place() const override { return "memory"; }

private:
    std::map<std::string, std::string> files_;
};

}  // namespace meterbox::account
