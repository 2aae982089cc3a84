// A prepared statement of SQLite and the rows it gives. Text and blobs that are bound must live until run()
// returns or the Cursor is gone. A Cursor resets its statement when it goes, so that none stays open by
// mistake.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "platform/sql/statement.hpp"

struct sqlite3_stmt;

namespace meterbox::platform::sqlite {

class Connection;
using sql::Blob;

class Cursor;

class Statement final : public sql::Statement {
public:
    Statement(Connection& connection, sqlite3_stmt* statement)
        : connection_(&connection), statement_(statement) {}
    ~Statement() override;
    Statement(Statement&& other) noexcept;
    Statement& operator=(Statement&& other) noexcept;

    // Binds, runs to the end, resets.
    template <class... Values>
    [[nodiscard]] core::Result<void> run(const Values&... values) {
        sql::Binding<Statement>(*this).all(values...);
        return run_bound();
    }
    template <class... Values>
    [[nodiscard]] Cursor query(const Values&... values);

    void expect_parameters(std::size_t count) const override;
    void bind_integer(int position, std::int64_t value) override;
    void bind_text(int position, std::string_view value) override;
    void bind_blob(int position, Blob value) override;
    void bind_null(int position, sql::ValueType type) override;
    core::Result<void> run_bound() override;
    core::Result<bool> next() override;
    void reset() override;

    std::int64_t integer(int column) const override;
    std::string_view text(int column) const override;
    Blob blob(int column) const;
    bool is_null(int column) const override;

private:
    Connection* connection_;
    sqlite3_stmt* statement_;
};

// The rows of a query in progress. One at a time for each statement, which stays where it is meanwhile.
// Views into columns are good until next().
class Cursor {
public:
    explicit Cursor(Statement& statement) : statement_(&statement) {}
    ~Cursor();
    Cursor(Cursor&& other) noexcept;
    Cursor& operator=(Cursor&&) = delete;

    // true: a row is there; false: that was all.
    [[nodiscard]] core::Result<bool> next() { return statement_->next(); }

    std::int64_t integer(int column) const { return statement_->integer(column); }
    std::string_view text(int column) const { return statement_->text(column); }
    Blob blob(int column) const { return statement_->blob(column); }
    bool is_null(int column) const { return statement_->is_null(column); }
    std::string string(int column) const { return statement_->string(column); }
    std::optional<std::int64_t> optional_integer(int column) const {
        return statement_->optional_integer(column);
    }

private:
    Statement* statement_;
};

template <class... Values>
Cursor Statement::query(const Values&... values) {
    sql::Binding<Statement>(*this).all(values...);
    return Cursor(*this);
}

}  // namespace meterbox::platform::sqlite
