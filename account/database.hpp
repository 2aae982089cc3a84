// The account's statements, prepared once and kept. An error sticks: once one statement has failed,
// all that follow do nothing and give no rows, so that the rules that use them read without a check
// after each line; whoever runs a job asks failed() at its end, undoes the job and reports it.
// Used by one thread at a time. Not a place for SQL: that stands where it is used.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>

#include "account/tranche_numbers.hpp"
#include "core/error.hpp"
#include "platform/sql/connection.hpp"

namespace meterbox::account {

class Database {
public:
    // random: of the numbers of tranches; null where none is made.
    explicit Database(platform::sql::Connection& connection, platform::system::Random* random = nullptr)
        : connection_(connection), tranche_numbers_(random) {}

    // A statement that gives no rows. That it failed may be told by a later one, or by the commit.
    template <class... Values>
    void run(std::string_view sql, const Values&... values) {
        auto* statement = prepared(sql);
        if (!statement) return;
        bind(*statement, values...);
        if (const auto done = statement->run_unheard(); !done) fail(done.error());
    }

    // The same, and all before it: the number of rows it changed.
    template <class... Values>
    std::int64_t changed_by(std::string_view sql, const Values&... values) {
        auto* statement = prepared(sql);
        if (!statement) return 0;
        bind(*statement, values...);
        if (const auto done = statement->run_bound(); !done) {
            fail(done.error());
            return 0;
        }
        return connection_.changes();
    }

    // Calls row(r) for each row, a platform::sql::Row. It may run other statements, but not the same one
    // again.
    template <class Row, class... Values>
    void each(std::string_view sql, Row&& row, const Values&... values) {
        auto* statement = prepared(sql);
        if (!statement) return;
        bind(*statement, values...);
        const Reset at_its_end(*statement);
        while (!failed()) {
            const auto more = statement->next();
            if (!more) return fail(more.error());
            if (!*more) return;
            row(static_cast<platform::sql::Row&>(*statement));
        }
    }

    // The same question for each of many items, of which values_of(item) is a tuple of parameters:
    // row(item, r), in any order.
    template <class Items, class ValuesOf, class Row>
    void each_of(std::string_view sql, const Items& items, ValuesOf&& values_of, Row&& row) {
        auto* statement = items.empty() ? nullptr : prepared(sql);
        if (!statement) return;
        const auto done =
            statement->each_of(items.size(), binder(*statement, items, values_of),
                               [&](std::size_t i, platform::sql::Row& found) { row(items[i], found); });
        if (!done) fail(done.error());
    }

    // run() for each of many items, no two of which are of the same row.
    template <class Items, class ValuesOf>
    void run_each_of(std::string_view sql, const Items& items, ValuesOf&& values_of) {
        auto* statement = items.empty() ? nullptr : prepared(sql);
        if (!statement) return;
        const auto done = statement->run_each_of(items.size(), binder(*statement, items, values_of));
        if (!done) fail(done.error());
    }

    // What read(row) makes of the first row; none: there is no row.
    template <class Read, class... Values>
    auto first(std::string_view sql, Read&& read, const Values&... values)
        -> std::optional<decltype(read(std::declval<platform::sql::Row&>()))> {
        auto* statement = prepared(sql);
        if (!statement) return std::nullopt;
        bind(*statement, values...);
        const Reset at_its_end(*statement);
        const auto found = statement->next();
        if (!found) {
            fail(found.error());
            return std::nullopt;
        }
        if (!*found) return std::nullopt;
        return read(static_cast<platform::sql::Row&>(*statement));
    }

    template <class... Values>
    std::int64_t number(std::string_view sql, const Values&... values) {
        return first(
                   sql, [](auto& row) { return row.integer(0); }, values...)
            .value_or(0);
    }

    // What was read of a table holds while this stays the same: nobody has written to it since, and it is the
    // same transaction, of which nothing was undone.
    struct Moment {
        std::int64_t turn = 0;
        std::int64_t undone = 0;
        std::int64_t writes = 0;
        friend bool operator==(const Moment&, const Moment&) = default;
    };
    Moment moment_of(const std::string& table);

    bool failed() const { return error_.has_value(); }
    const core::Error& error() const { return *error_; }  // requires failed()
    void forgive() { error_.reset(); }                    // before the next job

    platform::sql::Connection& connection() { return connection_; }
    TrancheNumbers& tranche_numbers() { return tranche_numbers_; }

private:
    class Reset {
    public:
        explicit Reset(platform::sql::Statement& statement) : statement_(statement) {}
        ~Reset() { statement_.reset(); }
        Reset(const Reset&) = delete;
        Reset& operator=(const Reset&) = delete;

    private:
        platform::sql::Statement& statement_;
    };
    template <class... Values>
    static void bind(platform::sql::Statement& statement, const Values&... values) {
        platform::sql::Binding<platform::sql::Statement>(statement).all(values...);
    }
    template <class Items, class ValuesOf>
    static auto binder(platform::sql::Statement& statement, const Items& items, ValuesOf& values_of) {
        return [&](std::size_t i) {
            std::apply([&](const auto&... values) { bind(statement, values...); }, values_of(items[i]));
        };
    }
    // Null, with the error kept, when it can't be prepared or something failed before.
    platform::sql::Statement* prepared(std::string_view sql);
    void fail(const core::Error& error);

    struct Kept {
        std::unique_ptr<platform::sql::Statement> statement;
        std::int64_t* changes = nullptr;  // what it adds to each time: writes to a table, or what was undone
    };
    std::int64_t* changed_by_running(std::string_view sql);

    platform::sql::Connection& connection_;
    TrancheNumbers tranche_numbers_;
    std::unordered_map<std::string_view, Kept> statements_;  // keys are literals
    std::map<std::string, std::int64_t> writes_;             // by table
    std::int64_t undone_ = 0;
    std::optional<core::Error> error_;
};

}  // namespace meterbox::account
