// A PostgreSQL of the test's own, with one table that looks like the account's.
#pragma once

#include <memory>
#include <string>

#include "account/schema.hpp"
#include "platform/postgres/connection.hpp"
#include "tests/contract/account/account_place.hpp"
#include "tests/support/catch.hpp"

namespace meterbox::tests {

struct Server {
    Server() {
        const auto connection = connect();
        REQUIRE(connection->execute("DROP SCHEMA IF EXISTS meterbox CASCADE; CREATE SCHEMA meterbox"));
        REQUIRE(connection->execute(
            "CREATE TABLE account (one BIGINT PRIMARY KEY, last BIGINT CHECK (last >= 0))"));
        REQUIRE(connection->execute("INSERT INTO account VALUES (1, 0)"));
    }
    std::unique_ptr<platform::postgres::Connection> connect() const {
        auto opened = platform::postgres::Connection::open(
            {place.url(), account::schema_name, account::turn_statement});
        INFO((opened ? "" : opened.error().detail));
        REQUIRE(opened);
        return std::move(*opened);
    }
    // Ends a connection's process at the server.
    void cut(platform::postgres::Connection& connection) const {
        const auto own = connection.number("SELECT pg_backend_pid()");
        REQUIRE(connect()->execute("SELECT pg_terminate_backend(" + std::to_string(*own) + ", 10000)"));
    }
    std::int64_t last() const { return connect()->number("SELECT last FROM account").value(); }

    AccountPlace place;
};

inline std::unique_ptr<platform::sql::Statement> made(platform::postgres::Connection& connection,
                                                      std::string_view text) {
    auto statement = connection.kept_statement(text);
    REQUIRE(statement);
    return std::move(*statement);
}

template <class... Values>
core::Result<void> run(platform::sql::Statement& statement, const Values&... values) {
    platform::sql::Binding<platform::sql::Statement>(statement).all(values...);
    return statement.run_bound();
}

}  // namespace meterbox::tests
