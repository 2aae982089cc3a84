// What the journal and the account's ledger rely on, asked of the real SQLite.
#include "platform/sqlite/connection.hpp"

#include <sys/stat.h>

#include <fstream>

#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace meterbox;
using namespace meterbox::platform::sqlite;

namespace {

std::unique_ptr<Connection> open(const std::filesystem::path& path) {
    auto opened = Connection::open({path, 77});
    REQUIRE(opened);
    return std::move(*opened);
}

std::string text_of(Connection& connection, const char* sql) {
    Statement statement = connection.statement(sql);
    Cursor rows = statement.query();
    REQUIRE(rows.next().value());
    return rows.string(0);
}

mode_t mode_of(const std::filesystem::path& path) {
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    return status.st_mode & 07777;
}

}  // namespace

TEST_CASE("a database is durable, exclusive and checked, and stays so when it is opened again", "[sqlite]") {
    const tests::TemporaryFolder folder;
    for (const bool created : {true, false}) {
        const auto connection = open(folder / "a.db");
        CHECK(connection->created() == created);
        CHECK(text_of(*connection, "PRAGMA journal_mode") == "wal");
        CHECK(text_of(*connection, "PRAGMA locking_mode") == "exclusive");
        CHECK(connection->number("PRAGMA synchronous").value() == 2);  // FULL
        CHECK(connection->number("PRAGMA auto_vacuum").value() == 2);  // INCREMENTAL
        CHECK(connection->number("PRAGMA foreign_keys").value() == 1);
        CHECK(connection->number("PRAGMA wal_autocheckpoint").value() == 250);
        CHECK(connection->number("PRAGMA cell_size_check").value() == 1);
        CHECK(connection->number("PRAGMA trusted_schema").value() == 0);
        CHECK(connection->number("PRAGMA application_id").value() == 77);
        REQUIRE(connection->execute("CREATE TABLE IF NOT EXISTS t(n INTEGER) STRICT"));
        CHECK_FALSE(std::filesystem::exists(folder / "a.db-shm"));
    }
}

TEST_CASE("nobody but its owner can read a database or its log", "[sqlite]") {
    const tests::TemporaryFolder folder;
    const auto connection = open(folder / "a.db");
    REQUIRE(connection->execute("CREATE TABLE t(n INTEGER) STRICT"));
    CHECK(mode_of(folder / "a.db") == 0600);
    CHECK(mode_of(folder / "a.db-wal") == 0600);
}

TEST_CASE("a database that isn't there is made only when asked for", "[sqlite]") {
    const tests::TemporaryFolder folder;
    const auto refused = Connection::open({folder / "a.db", 77, false});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().detail.find("a.db") != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(folder / "a.db"));
    CHECK_FALSE(Connection::open({folder / "no/such/a.db", 77}));
}

TEST_CASE("a file that is no database is refused as corrupt, and left as it is", "[sqlite]") {
    const tests::TemporaryFolder folder;
    const std::string garbage(8192, 'x');
    std::ofstream(folder / "a.db") << garbage;
    StorageFault fault = StorageFault::none;
    const auto refused = Connection::open({folder / "a.db", 77}, &fault);
    REQUIRE_FALSE(refused);
    CHECK(fault == StorageFault::corrupt);
    CHECK(refused.error().code == core::ErrorCode::storage);
    CHECK(refused.error().detail.find("a.db") != std::string::npos);
    std::ifstream file(folder / "a.db");
    CHECK(std::string(std::istreambuf_iterator<char>(file), {}) == garbage);
}

TEST_CASE("the database of another program is refused", "[sqlite]") {
    const tests::TemporaryFolder folder;
    REQUIRE(Connection::open({folder / "a.db", 78}));
    const auto refused = Connection::open({folder / "a.db", 77});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().detail.find("another program") != std::string::npos);
}

TEST_CASE("values come back as they went in", "[sqlite]") {
    const tests::TemporaryFolder folder;
    const auto connection = open(folder / "a.db");
    REQUIRE(connection->execute("CREATE TABLE t(i INTEGER, s TEXT, b BLOB) STRICT"));
    Statement insert = connection->statement("INSERT INTO t VALUES(?,?,?)");
    Statement select = connection->statement("SELECT i, s, b FROM t");
    Statement clear = connection->statement("DELETE FROM t");
    const auto trip = [&](const auto& i, const auto& s, const auto& b, const auto& check) {
        REQUIRE(insert.run(i, s, b));
        {
            Cursor row = select.query();
            REQUIRE(row.next().value());
            check(row);
            CHECK_FALSE(row.next().value());
        }
        REQUIRE(clear.run());
    };
    const core::IdentityHash hash{{std::byte{1}, std::byte{0}, std::byte{255}}};

    trip(INT64_MIN, std::string_view("a\0b", 3), hash, [&](const Cursor& row) {
        CHECK(row.integer(0) == INT64_MIN);
        CHECK(row.string(1) == std::string("a\0b", 3));
        CHECK(std::ranges::equal(row.blob(2), hash.bytes));
    });
    trip(core::Amount{INT64_MAX}, std::string_view{}, Blob{}, [](const Cursor& row) {
        CHECK(row.integer(0) == INT64_MAX);
        CHECK_FALSE(row.is_null(1));
        CHECK(row.text(1).empty());
        CHECK_FALSE(row.is_null(2));
        CHECK(row.blob(2).empty());
    });
    trip(core::UtcTime{-5}, nullptr, nullptr, [](const Cursor& row) {
        CHECK(row.integer(0) == -5);
        CHECK(row.is_null(1));
        CHECK(row.is_null(2));
    });
    trip(std::optional<std::int64_t>(), "text", std::optional<Blob>(), [](const Cursor& row) {
        CHECK_FALSE(row.optional_integer(0).has_value());
        CHECK(row.text(1) == "text");
        CHECK(row.is_null(2));
    });
    trip(std::optional<std::int64_t>(7), std::string("text"), nullptr,
         [](const Cursor& row) { CHECK(row.optional_integer(0) == 7); });
}

TEST_CASE("a query left half read doesn't hold up what follows", "[sqlite]") {
    const tests::TemporaryFolder folder;
    const auto connection = open(folder / "a.db");
    REQUIRE(connection->execute("CREATE TABLE t(n INTEGER) STRICT; INSERT INTO t VALUES(1),(2),(3)"));
    Statement select = connection->statement("SELECT n FROM t ORDER BY n");
    {
        Cursor rows = select.query();
        REQUIRE(rows.next().value());
        CHECK(rows.integer(0) == 1);
    }
    REQUIRE(connection->begin());
    REQUIRE(connection->execute("DROP TABLE t; CREATE TABLE t(n INTEGER) STRICT"));
    REQUIRE(connection->commit());
    CHECK_FALSE(select.query().next().value());
}

TEST_CASE("a rolled back transaction leaves nothing, a committed one all", "[sqlite]") {
    const tests::TemporaryFolder folder;
    const auto connection = open(folder / "a.db");
    REQUIRE(connection->execute("CREATE TABLE t(n INTEGER) STRICT"));
    Statement insert = connection->statement("INSERT INTO t VALUES(?)");
    REQUIRE(connection->begin());
    REQUIRE(insert.run(1));
    connection->rollback();
    CHECK(connection->number("SELECT count(*) FROM t").value() == 0);
    REQUIRE(connection->begin());
    REQUIRE(insert.run(1));
    CHECK(connection->changes() == 1);
    REQUIRE(insert.run(2));
    REQUIRE(connection->commit());
    CHECK_FALSE(connection->in_transaction());
    CHECK(connection->number("SELECT count(*) FROM t").value() == 2);
}

TEST_CASE("a broken constraint is the statement's fault and not the transaction's", "[sqlite]") {
    const tests::TemporaryFolder folder;
    const auto connection = open(folder / "a.db");
    REQUIRE(connection->execute("CREATE TABLE t(n INTEGER PRIMARY KEY) STRICT"));
    Statement insert = connection->statement("INSERT INTO t VALUES(?)");
    REQUIRE(connection->begin());
    REQUIRE(insert.run(1));
    CHECK_FALSE(insert.run(1));
    CHECK(connection->last_fault() == StorageFault::other);
    REQUIRE(insert.run(2));
    REQUIRE(connection->commit());
    CHECK(connection->number("SELECT count(*) FROM t").value() == 2);
}

TEST_CASE("a statement that can't be prepared says what and where", "[sqlite]") {
    const tests::TemporaryFolder folder;
    const auto connection = open(folder / "a.db");
    const auto refused = connection->prepare("SELECT * FROM missing");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().detail.find("no such table: missing") != std::string::npos);
    CHECK(refused.error().detail.find("a.db") != std::string::npos);
    CHECK_THROWS_WITH(connection->statement("SELEC 1"), Catch::Contains("syntax error"));
}
