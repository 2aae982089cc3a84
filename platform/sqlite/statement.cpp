#include "platform/sqlite/statement.hpp"

#include <sqlite3.h>

#include <utility>

#include "core/assert.hpp"
#include "platform/sqlite/connection.hpp"

namespace meterbox::platform::sqlite {

using core::Result;

Cursor::~Cursor() {
    if (statement_ != nullptr) statement_->reset();
}

Cursor::Cursor(Cursor&& other) noexcept : statement_(std::exchange(other.statement_, nullptr)) {}

Result<bool> Statement::next() {
    if (auto refused = connection_->refusal()) return *refused;
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    return connection_->failure(code, "can't read");
}

std::int64_t Statement::integer(int column) const {
    return sqlite3_column_int64(statement_, column);
}

std::string_view Statement::text(int column) const {
    // Text first, then its length: SQLite's order, as the first may convert.
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    if (text == nullptr) return {};
    return {text, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

Blob Statement::blob(int column) const {
    const auto* bytes = static_cast<const std::byte*>(sqlite3_column_blob(statement_, column));
    if (bytes == nullptr) return {};
    return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

bool Statement::is_null(int column) const {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

Statement::~Statement() {
    sqlite3_finalize(statement_);
}

Statement::Statement(Statement&& other) noexcept
    : connection_(other.connection_), statement_(std::exchange(other.statement_, nullptr)) {}

Statement& Statement::operator=(Statement&& other) noexcept {
    std::swap(connection_, other.connection_);
    std::swap(statement_, other.statement_);
    return *this;
}

void Statement::expect_parameters(std::size_t count) const {
    METERBOX_ASSERT(static_cast<std::size_t>(sqlite3_bind_parameter_count(statement_)) == count);
    METERBOX_ASSERT(sqlite3_stmt_busy(statement_) == 0);  // a Cursor of it is still there
}

void Statement::reset() {
    sqlite3_reset(statement_);
}

Result<void> Statement::run_bound() {
    if (auto refused = connection_->refusal()) return *refused;
    int code = sqlite3_step(statement_);
    while (code == SQLITE_ROW) code = sqlite3_step(statement_);
    Result<void> done;
    if (code != SQLITE_DONE) done = connection_->failure(code, "can't write to");
    sqlite3_reset(statement_);
    return done;
}

void Statement::bind_integer(int position, std::int64_t value) {
    METERBOX_ASSERT(sqlite3_bind_int64(statement_, position, value) == SQLITE_OK);
}

void Statement::bind_text(int position, std::string_view value) {
    // A null pointer would bind NULL, and empty text isn't NULL.
    const char* text = value.data() == nullptr ? "" : value.data();
    METERBOX_ASSERT(sqlite3_bind_text64(statement_, position, text, value.size(), SQLITE_STATIC,
                                        SQLITE_UTF8) == SQLITE_OK);
}

void Statement::bind_blob(int position, Blob value) {
    const void* bytes = value.data() == nullptr ? static_cast<const void*>("") : value.data();
    METERBOX_ASSERT(sqlite3_bind_blob64(statement_, position, bytes, value.size(), SQLITE_STATIC) ==
                    SQLITE_OK);
}

void Statement::bind_null(int position, sql::ValueType) {
    METERBOX_ASSERT(sqlite3_bind_null(statement_, position) == SQLITE_OK);
}

}  // namespace meterbox::platform::sqlite
