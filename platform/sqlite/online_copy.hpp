// A copy of a database in a file of its own, made piece by piece while the database's one connection goes on:
// what is committed between two pieces is changed in the copy, too. After the last piece it is the database
// as it is in that moment. On the thread that has the connection, between its transactions.
#pragma once

#include <filesystem>
#include <memory>

#include "core/error.hpp"
#include "platform/sqlite/connection.hpp"

struct sqlite3_backup;

namespace meterbox::platform::sqlite {

class OnlineCopy {
public:
    // Errors: conflict if the file is there; storage.
    [[nodiscard]] static core::Result<std::unique_ptr<OnlineCopy>> begin(Connection& from,
                                                                         std::filesystem::path to);
    ~OnlineCopy();  // the file stays, whole or not
    OnlineCopy(const OnlineCopy&) = delete;
    OnlineCopy& operator=(const OnlineCopy&) = delete;

    // So many pages more. true: that isn't all yet. After an error the copy is of no use.
    [[nodiscard]] core::Result<bool> go_on(int pages);

private:
    OnlineCopy(std::filesystem::path to, int file) : to_(std::move(to)), file_(file) {}
    core::Error failure(const char* what) const;
    void close();

    std::filesystem::path to_;
    int file_;  // of the same, to have it written to the disk bit by bit
    sqlite3* copy_ = nullptr;
    sqlite3_backup* backup_ = nullptr;
    int unsynced_ = 0;  // pages
};

}  // namespace meterbox::platform::sqlite
