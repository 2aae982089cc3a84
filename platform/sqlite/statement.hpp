// A prepared statement and the rows it gives. Parameters are bound by position with their own types,
// and are not copied: text and blobs must live until run() returns or the Cursor is gone. A Cursor
// resets its statement when it goes, so that none stays open by mistake. A wrong number of parameters
// is a bug, not an error.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "core/identity.hpp"
#include "core/quantity.hpp"
#include "core/time.hpp"

struct sqlite3_stmt;

namespace meterbox::platform::sqlite {

class Connection;
using Blob = std::span<const std::byte>;

// The rows of a query in progress. One at a time for each statement. Views into columns are good
// until next().
class Cursor {
public:
    Cursor(Connection& connection, sqlite3_stmt* statement)
        : connection_(&connection), statement_(statement) {}
    ~Cursor();
    Cursor(Cursor&& other) noexcept;
    Cursor& operator=(Cursor&&) = delete;

    [[nodiscard]] core::Result<bool> next();  // true: a row is there; false: that was all

    std::int64_t integer(int column) const;
    std::string_view text(int column) const;
    Blob blob(int column) const;
    bool is_null(int column) const;
    std::string string(int column) const { return std::string(text(column)); }
    std::optional<std::int64_t> optional_integer(int column) const;

private:
    Connection* connection_;
    sqlite3_stmt* statement_;
};

class Statement {
public:
    Statement(Connection& connection, sqlite3_stmt* statement)
        : connection_(&connection), statement_(statement) {}
    ~Statement();
    Statement(Statement&& other) noexcept;
    Statement& operator=(Statement&& other) noexcept;

    // Binds, runs to the end, resets. Integers, Quantity and TimePoint, text, Blob, IdentityHash,
    // nullptr, and optionals of them.
    template <class... Values>
    [[nodiscard]] core::Result<void> run(const Values&... values) {
        bind_all(values...);
        return run_bound();
    }
    template <class... Values>
    [[nodiscard]] Cursor query(const Values&... values) {
        bind_all(values...);
        return Cursor(*connection_, statement_);
    }

private:
    template <class... Values>
    void bind_all(const Values&... values) {
        expect_parameters(sizeof...(values));
        int position = 0;
        (bind(++position, values), ...);
    }
    void expect_parameters(std::size_t count) const;
    core::Result<void> run_bound();

    template <std::integral T>
    void bind(int position, T value) {
        bind_integer(position, static_cast<std::int64_t>(value));
    }
    template <class Tag>
    void bind(int position, core::Quantity<Tag> value) {
        bind_integer(position, value.value());
    }
    template <class Tag>
    void bind(int position, core::TimePoint<Tag> value) {
        bind_integer(position, value.ms);
    }
    void bind(int position, core::UtcHour value) { bind_integer(position, value.number); }
    void bind(int position, std::string_view value) { bind_text(position, value); }
    void bind(int position, const std::string& value) { bind_text(position, value); }
    void bind(int position, const char* value) { bind_text(position, value); }
    void bind(int position, Blob value) { bind_blob(position, value); }
    void bind(int position, const core::IdentityHash& value) { bind_blob(position, value.bytes); }
    void bind(int position, std::nullptr_t) { bind_null(position); }
    template <class T>
    void bind(int position, const std::optional<T>& value) {
        if (value) {
            bind(position, *value);
        } else {
            bind_null(position);
        }
    }
    void bind_integer(int position, std::int64_t value);
    void bind_text(int position, std::string_view value);
    void bind_blob(int position, Blob value);
    void bind_null(int position);

    Connection* connection_;
    sqlite3_stmt* statement_;
};

}  // namespace meterbox::platform::sqlite
