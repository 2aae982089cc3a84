#include "platform/sqlite/migrations.hpp"

#include <array>

#include "platform/sqlite/connection.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace meterbox;
using namespace meterbox::platform::sqlite;

namespace {

constexpr std::array<Migration, 2> steps{{
    {1, "CREATE TABLE a(n INTEGER) STRICT; INSERT INTO a VALUES(1)"},
    {2, "CREATE TABLE b(n INTEGER) STRICT; INSERT INTO b SELECT n FROM a"},
}};

std::int64_t version(Connection& connection) {
    return connection.number("PRAGMA user_version").value();
}

}  // namespace

TEST_CASE("a new database gets every step, an old one those that it lacks", "[sqlite]") {
    const tests::TemporaryFolder folder;
    {
        const auto connection = Connection::open({folder / "a.db", 77}).value();
        REQUIRE(migrate(*connection, std::span(steps).first(1)));
        CHECK(version(*connection) == 1);
    }
    const auto connection = Connection::open({folder / "a.db", 77}).value();
    REQUIRE(migrate(*connection, steps));
    REQUIRE(migrate(*connection, steps));
    CHECK(version(*connection) == 2);
    CHECK(connection->number("SELECT count(*) FROM a").value() == 1);
    CHECK(connection->number("SELECT count(*) FROM b").value() == 1);
}

TEST_CASE("a step that fails leaves the database as it was", "[sqlite]") {
    const tests::TemporaryFolder folder;
    const auto connection = Connection::open({folder / "a.db", 77}).value();
    constexpr std::array<Migration, 2> broken{{
        {1, "CREATE TABLE a(n INTEGER) STRICT"},
        {2, "CREATE TABLE b(n INTEGER) STRICT; INSERT INTO missing VALUES(1)"},
    }};
    const auto failed = migrate(*connection, broken);
    REQUIRE_FALSE(failed);
    CHECK(failed.error().detail.find("missing") != std::string::npos);
    CHECK(version(*connection) == 1);
    CHECK(connection->number("SELECT count(*) FROM sqlite_schema").value() == 1);
    CHECK_FALSE(connection->in_transaction());
}

TEST_CASE("a database of a newer version is refused and not touched", "[sqlite]") {
    const tests::TemporaryFolder folder;
    const auto connection = Connection::open({folder / "a.db", 77}).value();
    REQUIRE(migrate(*connection, steps));
    const auto refused = migrate(*connection, std::span(steps).first(1));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().detail.find("schema version 2") != std::string::npos);
    CHECK(refused.error().detail.find("a.db") != std::string::npos);
    CHECK(version(*connection) == 2);
}
