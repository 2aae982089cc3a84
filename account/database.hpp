// The account's statements, prepared once and kept. An error sticks: once one statement has failed,
// all that follow do nothing and give no rows, so that the rules that use them read without a check
// after each line; whoever runs a job asks failed() at its end, undoes the job and reports it.
// Used by one thread at a time. Not a place for SQL: that stands where it is used.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/error.hpp"
#include "platform/sqlite/connection.hpp"

namespace meterbox::account {

class Database {
public:
    explicit Database(platform::sqlite::Connection& connection) : connection_(connection) {}

    // A statement that gives no rows. Returns the number of rows it changed.
    template <class... Values>
    std::int64_t run(std::string_view sql, const Values&... values) {
        auto* statement = prepared(sql);
        if (!statement) return 0;
        const auto done = statement->run(values...);
        if (!done) {
            fail(done.error());
            return 0;
        }
        return connection_.changes();
    }

    // Calls row(cursor) for each row. A row may run other statements, but not the same one again.
    template <class Row, class... Values>
    void each(std::string_view sql, Row&& row, const Values&... values) {
        auto* statement = prepared(sql);
        if (!statement) return;
        auto cursor = statement->query(values...);
        while (!failed()) {
            const auto more = cursor.next();
            if (!more) return fail(more.error());
            if (!*more) return;
            row(cursor);
        }
    }

    // What read(cursor) makes of the first row; none: there is no row.
    template <class Read, class... Values>
    auto first(std::string_view sql, Read&& read, const Values&... values)
        -> std::optional<decltype(read(std::declval<platform::sqlite::Cursor&>()))> {
        auto* statement = prepared(sql);
        if (!statement) return std::nullopt;
        auto cursor = statement->query(values...);
        const auto found = cursor.next();
        if (!found) {
            fail(found.error());
            return std::nullopt;
        }
        if (!*found) return std::nullopt;
        return read(cursor);
    }

    template <class... Values>
    std::int64_t number(std::string_view sql, const Values&... values) {
        return first(
                   sql, [](auto& row) { return row.integer(0); }, values...)
            .value_or(0);
    }

    std::int64_t last_insert_id() const { return connection_.last_insert_id(); }

    bool failed() const { return error_.has_value(); }
    const core::Error& error() const { return *error_; }  // requires failed()
    void forgive() { error_.reset(); }                    // before the next job

    platform::sqlite::Connection& connection() { return connection_; }

private:
    // Null, with the error kept, when it can't be prepared or something failed before.
    platform::sqlite::Statement* prepared(std::string_view sql);
    void fail(const core::Error& error);

    platform::sqlite::Connection& connection_;
    std::unordered_map<std::string_view, platform::sqlite::Statement> statements_;  // keys are literals
    std::optional<core::Error> error_;
};

}  // namespace meterbox::account
