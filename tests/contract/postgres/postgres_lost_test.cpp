// A connection that is lost: what is stored then, what is said, and how it goes on.
#include "platform/sql/connection_transactions.hpp"
#include "tests/contract/postgres/server.hpp"

using namespace meterbox;
using namespace meterbox::platform;
using postgres::Connection;
using tests::made;
using tests::run;
using tests::Server;

namespace {

// One that serves, and what it did and said of it.
struct Serving : Server {
    Serving() {
        REQUIRE(connection->begin_serving(
            [this]() -> core::Result<void> {
                ++alone;
                return {};
            },
            [this](bool lost, const std::string& detail) {
                notices += lost ? "lost; " : "again; ";
                CHECK(detail.find('\n') == std::string::npos);
            }));
        REQUIRE(alone == 1);
    }
    int alone = 0;
    std::string notices;
    std::unique_ptr<Connection> connection = connect();
    sql::ConnectionTransactions transactions{*connection};
    std::unique_ptr<sql::Statement> set = made(*connection, "UPDATE account SET last = ?");
};

}  // namespace

TEST_CASE_METHOD(Serving, "one that was lost between transactions is made anew for the next") {
    REQUIRE(transactions.begin());
    REQUIRE(run(*set, 7));
    REQUIRE(transactions.commit());
    cut(*connection);
    REQUIRE(transactions.begin());
    CHECK(alone == 2);  // as at a start: nobody else serves, and who knows what became of the database
    CHECK(notices == "again; ");
    REQUIRE(run(*set, 8));  // prepared anew
    REQUIRE(transactions.commit());
    CHECK(last() == 8);
}

TEST_CASE_METHOD(Serving, "one that was away for long, and is alone when it is back, begins as at a start") {
    REQUIRE(connection->begin_serving(
        [this]() -> core::Result<void> {  // in a transaction of its own, as the account ends all sessions
            ++alone;
            if (const auto begun = connection->begin(); !begun) return begun.error();
            return connection->commit();
        },
        [this](bool lost, const std::string&) { notices += lost ? "lost; " : "again; "; }));
    REQUIRE(connect()->execute("ALTER TABLE account RENAME TO hidden"));
    cut(*connection);
    CHECK_FALSE(transactions.begin());
    CHECK_FALSE(transactions.begin());
    REQUIRE(connect()->execute("ALTER TABLE hidden RENAME TO account"));
    const int before = alone;
    REQUIRE(transactions.begin());
    REQUIRE(transactions.commit());
    CHECK(alone == before + 1);
    CHECK(notices == "lost; again; ");
}

TEST_CASE_METHOD(Serving, "one that comes back while others serve begins nothing anew") {
    const auto other = connect();
    REQUIRE(other->begin_serving([]() -> core::Result<void> { return {}; }, {}));
    cut(*connection);
    REQUIRE(transactions.begin());
    CHECK(alone == 1);
    REQUIRE(transactions.commit());
    CHECK_FALSE(*connect()->keep_from_serving());
}

TEST_CASE_METHOD(Serving, "what was under way when it was lost isn't stored, and may be done again") {
    REQUIRE(transactions.begin());
    REQUIRE(run(*set, 7));
    cut(*connection);
    const auto committed = transactions.commit();
    REQUIRE_FALSE(committed);
    CHECK(committed.error().detail.find('\n') == std::string::npos);
    CHECK_FALSE(sql::leaves_unknown(connection->last_fault()));
    CHECK(transactions.may_repeat());
    transactions.rollback();
    CHECK(last() == 0);

    REQUIRE(transactions.begin());
    CHECK_FALSE(transactions.may_repeat());
    REQUIRE(run(*set, 7));
    REQUIRE(transactions.commit());
    CHECK(last() == 7);
}

TEST_CASE_METHOD(Serving, "after one that was lost in its commit no transaction begins any more") {
    REQUIRE(connect()->execute(
        "CREATE FUNCTION fall() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM "
        "pg_terminate_backend(pg_backend_pid()); RETURN NULL; END$$; CREATE CONSTRAINT TRIGGER fall AFTER "
        "UPDATE ON account DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fall()"));
    REQUIRE(transactions.begin());
    REQUIRE(run(*set, 7));
    const auto committed = transactions.commit();
    REQUIRE_FALSE(committed);
    CHECK(committed.error().code == core::ErrorCode::storage);
    CHECK(sql::leaves_unknown(connection->last_fault()));
    CHECK_FALSE(transactions.may_repeat());
    transactions.rollback();
    CHECK_FALSE(transactions.begin());
}

TEST_CASE_METHOD(Server, "another account's database at the same place isn't touched") {
    auto opened = Connection::open(
        {place.url(), account::schema_name, account::turn_statement, "SELECT one FROM account"});
    REQUIRE(opened);
    Connection& connection = **opened;
    std::string notices;
    REQUIRE(connection.begin_serving(
        []() -> core::Result<void> { return {}; },
        [&](bool lost, const std::string&) { notices += lost ? "lost; " : "again; "; }));
    cut(connection);
    REQUIRE(connect()->execute("UPDATE account SET one = 2"));
    for (int i = 0; i < 3; ++i) {
        const auto begun = connection.begin();
        REQUIRE_FALSE(begun);
        CHECK(begun.error().code == core::ErrorCode::unreachable);
        CHECK(begun.error().detail.find("another account") != std::string::npos);
    }
    CHECK(notices == "lost; ");  // once

    REQUIRE(connect()->execute("UPDATE account SET one = 1"));
    REQUIRE(connection.begin());
    REQUIRE(connection.commit());
    CHECK(notices == "lost; again; ");
}
