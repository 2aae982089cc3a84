#include "platform/sqlite/connection.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <thread>

#include "core/assert.hpp"
#include "core/limits.hpp"
#include "platform/sqlite/joined_log.hpp"
#include "platform/system/files.hpp"

namespace meterbox::platform::sqlite {
namespace {

using core::Error;
using core::ErrorCode;
using core::Result;

constexpr std::chrono::milliseconds retry_spacing{10};

// ENOSPC at a write is a full disk and rolls back. At an fsync it may come after the fact: then the
// outcome is as unknown as with any other error there.
bool is_full(int code, int system_error) {
    if ((code & 0xff) == SQLITE_FULL) return true;
    return code == SQLITE_IOERR_WRITE && (system_error == ENOSPC || system_error == EDQUOT);
}

StorageFault fault_of(int code, int system_error) {
    if (is_full(code, system_error)) return StorageFault::full;
    switch (code & 0xff) {
        case SQLITE_IOERR:
        case SQLITE_CANTOPEN:
        case SQLITE_READONLY:
        case SQLITE_PERM:
        case SQLITE_NOMEM:
            return StorageFault::io;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            return StorageFault::corrupt;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return StorageFault::busy;
        default:
            return StorageFault::other;
    }
}

bool poisons(StorageFault fault) {
    return fault == StorageFault::full || fault == StorageFault::io || fault == StorageFault::corrupt;
}

// Else the log is written into the database and removed: of a damaged one both stay as they are.
void leave_log_when_closed(sqlite3* database, bool leave) {
    sqlite3_db_config(database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, leave ? 1 : 0, nullptr);
}

// Made by us and not by SQLite, so that its mode (which the log beside it inherits) is ours.
// true: it wasn't there.
bool create_file(const std::filesystem::path& path) {
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file >= 0) ::close(file);
    return file >= 0;
}

}  // namespace

Connection::Connection(std::filesystem::path path, sqlite3* database)
    : path_(std::move(path)), database_(database) {}

Connection::~Connection() {
    for (sqlite3_stmt* statement : {begin_, commit_, rollback_}) sqlite3_finalize(statement);
    if (!damaged_) leave_log_when_closed(database_, false);
    // Busy: a Statement outlived its connection.
    METERBOX_ASSERT(sqlite3_close(database_) == SQLITE_OK);
}

Result<std::unique_ptr<Connection>> Connection::open(const OpenOptions& options, StorageFault* fault) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(options.wait_ms);
    for (;;) {
        StorageFault met = StorageFault::none;
        auto opened = open_once(options, met);
        if (fault != nullptr) *fault = met;
        if (opened || met != StorageFault::busy || std::chrono::steady_clock::now() >= deadline)
            return opened;
        std::this_thread::sleep_for(retry_spacing);
    }
}

Result<std::unique_ptr<Connection>> Connection::open_once(const OpenOptions& options, StorageFault& fault) {
    const bool created = options.create && create_file(options.path);
    sqlite3* database = nullptr;
    // NOMUTEX: one thread at a time is the promise of whoever owns the connection.
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    const int code = sqlite3_open_v2(options.path.c_str(), &database, flags, joined_log_file_system());
    METERBOX_ASSERT(database != nullptr);
    std::unique_ptr<Connection> connection(new Connection(options.path, database));
    leave_log_when_closed(database, true);
    connection->created_ = created;
    Result<void> prepared;
    if (code != SQLITE_OK) {
        prepared = connection->failure(code, "can't open");
    } else {
        prepared = connection->prepare_database(options);
    }
    if (prepared && created) {
        const std::filesystem::path folder = options.path.parent_path();
        prepared = system::sync_directory(folder.empty() ? "." : folder);
        if (!prepared) connection->last_fault_ = StorageFault::io;
    }
    if (prepared) return connection;
    fault = connection->last_fault();
    return prepared.error();
}

Result<void> Connection::prepare_database(const OpenOptions& options) {
    // EXCLUSIVE from before the first access on: no other process ever reads or writes, and the index
    // of the log is in memory.
    if (auto done = execute("PRAGMA locking_mode=EXCLUSIVE"); !done) return done;
    const auto application = number("PRAGMA application_id");
    if (!application) return application.error();
    const auto tables = number("SELECT count(*) FROM sqlite_schema");
    if (!tables) return tables.error();
    const bool empty = *application == 0 && *tables == 0;
    if (!empty && *application != options.application_id) {
        last_fault_ = StorageFault::other;
        return Error{ErrorCode::storage,
                     path_.string() + " belongs to another program, or to another part of this one",
                     {},
                     {}};
    }
    // auto_vacuum can only be chosen before the first page is written, which journal_mode does.
    if (empty) {
        if (auto done = execute("PRAGMA auto_vacuum=INCREMENTAL"); !done) return done;
    }
    const std::string settings =
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
        "PRAGMA cell_size_check=ON; PRAGMA trusted_schema=OFF; PRAGMA temp_store=MEMORY;"
        // What is deleted is overwritten, but not in pages that would be written for that alone.
        "PRAGMA secure_delete=FAST;"
        "PRAGMA wal_autocheckpoint=" +
        std::to_string(core::limits::checkpoint_pages) +
        "; PRAGMA journal_size_limit=" + std::to_string(core::limits::write_ahead_log_bytes_max);
    if (auto done = execute(settings); !done) return done;
    if (empty) {
        if (auto done = execute("PRAGMA application_id=" + std::to_string(options.application_id)); !done)
            return done;
    }
    return prepare_transactions();
}

Result<void> Connection::prepare_transactions() {
    const std::array<std::pair<sqlite3_stmt**, const char*>, 3> statements{
        {{&begin_, "BEGIN IMMEDIATE"}, {&commit_, "COMMIT"}, {&rollback_, "ROLLBACK"}}};
    for (const auto& [statement, sql] : statements) {
        const int code =
            sqlite3_prepare_v3(database_, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, nullptr);
        if (code != SQLITE_OK) return failure(code, "can't use");
    }
    return {};
}

Result<void> Connection::execute(const std::string& sql) {
    if (auto refused = refusal()) return *refused;
    const int code = sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) return failure(code, "can't use");
    return {};
}

Result<Statement> Connection::prepare(std::string_view sql) {
    sqlite3_stmt* statement = nullptr;
    const char* rest = nullptr;
    const int code = sqlite3_prepare_v3(database_, sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, &rest);
    if (code != SQLITE_OK) return failure(code, "can't use");
    METERBOX_ASSERT(statement != nullptr);             // empty
    METERBOX_ASSERT(rest == sql.data() + sql.size());  // more than one
    return Statement(*this, statement);
}

Result<std::unique_ptr<sql::Statement>> Connection::kept_statement(std::string_view sql) {
    auto prepared = prepare(sql);
    if (!prepared) return prepared.error();
    return std::unique_ptr<sql::Statement>(std::make_unique<Statement>(std::move(*prepared)));
}

Statement Connection::statement(std::string_view sql) {
    auto prepared = prepare(sql);
    if (!prepared) throw std::runtime_error(prepared.error().detail);
    return std::move(*prepared);
}

Result<std::int64_t> Connection::number(std::string_view sql) {
    auto statement = prepare(sql);
    if (!statement) return statement.error();
    Cursor rows = statement->query();
    const auto row = rows.next();
    if (!row) return row.error();
    return *row ? rows.integer(0) : 0;
}

Result<void> Connection::begin() {
    METERBOX_ASSERT(!in_transaction());
    next_turn();
    transaction_fault_ = StorageFault::none;
    auto begun = run_plain(begin_, "can't begin in");
    begun_ = begun.has_value();
    return begun;
}

Result<void> Connection::commit() {
    METERBOX_ASSERT(begun_);
    Result<void> committed;
    if (const auto refused = refusal()) {
        committed = *refused;
    } else {
        committed = run_plain(commit_, "can't commit to");
    }
    if (!committed) rollback();
    begun_ = false;
    return committed;
}

void Connection::rollback() noexcept {
    begun_ = false;
    next_turn();
    // SQLite rolls back by itself after most faults.
    if (!in_transaction()) return;
    sqlite3_step(rollback_);
    sqlite3_reset(rollback_);
}

// SQLite may have rolled back at the fault. What a transaction's caller still does would then be
// committed by itself, each statement alone.
std::optional<Error> Connection::refusal() {
    if (!begun_ || transaction_fault_ == StorageFault::none) return std::nullopt;
    last_fault_ = transaction_fault_;
    return Error{ErrorCode::storage, transaction_fault_detail_, {}, {}};
}

Result<void> Connection::run_plain(sqlite3_stmt* statement, std::string_view what) {
    const int code = sqlite3_step(statement);
    Result<void> done;
    if (code != SQLITE_DONE) done = failure(code, what);
    sqlite3_reset(statement);
    return done;
}

bool Connection::in_transaction() const {
    return sqlite3_get_autocommit(database_) == 0;
}
std::int64_t Connection::changes() const {
    return sqlite3_changes64(database_);
}
std::int64_t Connection::total_changes() const {
    return sqlite3_total_changes64(database_);
}
std::int64_t Connection::last_insert_id() const {
    return sqlite3_last_insert_rowid(database_);
}

Result<void> Connection::limit_pages(std::int64_t pages) {
    const auto limit = number("PRAGMA max_page_count=" + std::to_string(pages));
    if (!limit) return limit.error();
    return {};
}

Error Connection::failure(int code, std::string_view what) {
    const int system_error = sqlite3_system_errno(database_);
    last_fault_ = fault_of(code, system_error);
    damaged_ = damaged_ || last_fault_ == StorageFault::corrupt;
    std::string detail = std::string(what) + " " + path_.string() + ": ";
    if (last_fault_ == StorageFault::busy) {
        detail += "in use by another process; stop that one, or give this one a folder of its own";
    } else if (last_fault_ == StorageFault::full) {
        detail += "disk full";
    } else {
        detail += sqlite3_errmsg(database_);
        if (last_fault_ == StorageFault::io && system_error != 0) {
            detail += std::string(" (") + std::strerror(system_error) + ")";
        }
    }
    detail += " [sqlite " + std::to_string(code) + "]";
    if (begun_ && poisons(last_fault_) && transaction_fault_ == StorageFault::none) {
        transaction_fault_ = last_fault_;
        transaction_fault_detail_ = detail;
    }
    const bool ours = last_fault_ == StorageFault::other;
    return Error{ours ? ErrorCode::internal : ErrorCode::storage, std::move(detail), {}, {}};
}

}  // namespace meterbox::platform::sqlite
