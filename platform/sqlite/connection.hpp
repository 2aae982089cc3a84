// The one connection to a database of meterbox: durable commits (WAL, synchronous FULL), no other
// process in it (EXCLUSIVE, from before the first access on), STRICT tables expected. Used by one
// thread at a time. Says what kind of trouble it is in, so that its owner can tell a full disk, which
// passes, from an I/O error, after which nobody knows what is stored.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "platform/sql/connection.hpp"
#include "platform/sqlite/statement.hpp"

struct sqlite3;

namespace meterbox::platform::sqlite {

using sql::leaves_unknown;
using sql::name_of;
using sql::StorageFault;

struct OpenOptions {
    std::filesystem::path path;
    std::int32_t application_id = 0;  // of a new file; another one in an existing file is refused
    bool create = true;
    std::int64_t wait_ms = 0;  // how long to wait for another process to leave
};

class Connection final : public sql::Connection {
public:
    // On failure, *fault (if given) says which kind.
    [[nodiscard]] static core::Result<std::unique_ptr<Connection>> open(const OpenOptions& options,
                                                                        StorageFault* fault = nullptr);
    ~Connection() override;
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    // One or more statements without parameters or rows.
    [[nodiscard]] core::Result<void> execute(const std::string& sql) override;
    [[nodiscard]] core::Result<Statement> prepare(std::string_view sql);
    [[nodiscard]] core::Result<std::unique_ptr<sql::Statement>> kept_statement(std::string_view sql) override;
    // The same for statements prepared at the start: throws std::runtime_error, "cannot start".
    Statement statement(std::string_view sql);
    // The first column of the first row of a query without parameters; 0 if there is no row.
    [[nodiscard]] core::Result<std::int64_t> number(std::string_view sql) override;

    [[nodiscard]] core::Result<void> begin() override;  // IMMEDIATE
    // Refused, and rolled back, when any statement since begin() met a storage fault; each statement in
    // between is refused, too. So what a full disk cut in half is never stored, even if its caller didn't
    // look.
    [[nodiscard]] core::Result<void> commit() override;
    void rollback() noexcept override;
    bool in_transaction() const;

    std::int64_t changes() const override;  // rows of the last INSERT, UPDATE or DELETE
    std::int64_t total_changes() const;     // of all of them since it was opened
    std::int64_t last_insert_id() const;
    StorageFault last_fault() const override { return last_fault_; }  // of the last call that failed
    bool damaged() const { return damaged_; }                         // any call found it corrupt
    const std::filesystem::path& path() const { return path_; }
    bool created() const { return created_; }  // open() made the file

    // For a test of a full disk: the file grows to so many pages and no further.
    [[nodiscard]] core::Result<void> limit_pages(std::int64_t pages);

private:
    friend class Statement;
    friend class Cursor;
    friend class OnlineCopy;
    Connection(std::filesystem::path path, sqlite3* database);
    static core::Result<std::unique_ptr<Connection>> open_once(const OpenOptions& options,
                                                               StorageFault& fault);
    core::Result<void> prepare_database(const OpenOptions& options);
    core::Result<void> prepare_transactions();
    core::Result<void> run_plain(sqlite3_stmt* statement, std::string_view what);
    core::Error failure(int code, std::string_view what);
    std::optional<core::Error> refusal();

    std::filesystem::path path_;
    sqlite3* database_;
    sqlite3_stmt* begin_ = nullptr;
    sqlite3_stmt* commit_ = nullptr;
    sqlite3_stmt* rollback_ = nullptr;
    StorageFault last_fault_ = StorageFault::none;
    StorageFault transaction_fault_ = StorageFault::none;
    std::string transaction_fault_detail_;
    bool damaged_ = false;
    bool begun_ = false;
    bool created_ = false;
};

}  // namespace meterbox::platform::sqlite
