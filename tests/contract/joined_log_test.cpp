// The write-ahead log as it is written: in few calls, and read as if each piece had been written at once.
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "platform/sqlite/connection.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/files_cannot_grow.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace meterbox;
using namespace meterbox::platform::sqlite;

namespace {
std::int64_t writes_so_far = 0;  // of SQLite: a sanitizer writes, too, but not into files

ssize_t counted_write(int file, const void* from, size_t count, off_t offset) {
    ++writes_so_far;
    return ::syscall(SYS_pwrite64, file, from, count, offset);
}
}  // namespace

// Before the system's, for this whole program.
extern "C" ssize_t pwrite(int file, const void* from, size_t count, off_t offset) {
    return counted_write(file, from, count, offset);
}
extern "C" ssize_t pwrite64(int file, const void* from, size_t count, off64_t offset) {
    return counted_write(file, from, count, offset);
}

namespace {

std::unique_ptr<Connection> open_at(const std::filesystem::path& path) {
    auto opened = Connection::open({.path = path});
    REQUIRE(opened);
    return std::move(*opened);
}

void insert_pages(Connection& connection, std::int64_t first, std::int64_t count) {
    auto insert = connection.statement("INSERT INTO t(n, b) VALUES(?, randomblob(3000))");
    for (std::int64_t n = first; n < first + count; ++n) REQUIRE(insert.run(n));
}

constexpr const char* table = "CREATE TABLE t(n INTEGER PRIMARY KEY, b BLOB NOT NULL) STRICT";

}  // namespace

TEST_CASE("a commit of many pages is written in one call") {
    const tests::TemporaryFolder folder;
    const auto connection = open_at(folder.path() / "a.db");
    REQUIRE(connection->execute(table));
    REQUIRE(connection->begin());
    insert_pages(*connection, 1, 20);
    const std::int64_t before = writes_so_far;
    REQUIRE(connection->commit());
    CHECK(writes_so_far - before == 1);
}

TEST_CASE("a commit larger than what is gathered is written in few calls, and whole") {
    const tests::TemporaryFolder folder;
    constexpr std::int64_t pages = 500;
    std::int64_t sum = 0;
    {
        const auto connection = open_at(folder.path() / "a.db");
        REQUIRE(connection->execute(table));
        REQUIRE(connection->begin());
        insert_pages(*connection, 1, pages);
        const std::int64_t before = writes_so_far;
        REQUIRE(connection->commit());
        // Some 20 of its own, and the checkpoint's: a call for each page.
        CHECK(writes_so_far - before < pages + 60);
        sum = *connection->number("SELECT sum(unicode(hex(b))) FROM t");
    }
    const auto again = open_at(folder.path() / "a.db");
    CHECK(*again->number("SELECT count(*) FROM t") == pages);
    CHECK(*again->number("SELECT sum(unicode(hex(b))) FROM t") == sum);
}

TEST_CASE("what a transaction has put into the log is read before it is written") {
    const tests::TemporaryFolder folder;
    const auto connection = open_at(folder.path() / "a.db");
    REQUIRE(connection->execute(std::string(table) + "; PRAGMA cache_size=10"));  // so that pages spill
    REQUIRE(connection->begin());
    insert_pages(*connection, 1, 60);
    CHECK(*connection->number("SELECT count(*) FROM t WHERE length(b) = 3000") == 60);
    insert_pages(*connection, 61, 60);
    REQUIRE(connection->execute("UPDATE t SET b = zeroblob(2000) WHERE n % 2 = 0"));
    CHECK(*connection->number("SELECT count(*) FROM t WHERE length(b) = 3000") == 60);
    REQUIRE(connection->commit());
    CHECK(*connection->number("SELECT count(*) FROM t WHERE length(b) = 2000") == 60);
    CHECK(*connection->number("SELECT count(*) FROM (SELECT * FROM pragma_integrity_check) "
                              "WHERE integrity_check <> 'ok'") == 0);
}

TEST_CASE("what was rolled back after it had been gathered leaves no trace") {
    const tests::TemporaryFolder folder;
    {
        const auto connection = open_at(folder.path() / "a.db");
        REQUIRE(connection->execute(std::string(table) + "; PRAGMA cache_size=10"));
        REQUIRE(connection->begin());
        insert_pages(*connection, 1, 60);
        connection->rollback();
        REQUIRE(connection->begin());
        insert_pages(*connection, 1, 3);
        REQUIRE(connection->commit());
        REQUIRE(connection->begin());
        insert_pages(*connection, 4, 60);
        connection->rollback();
    }
    const auto again = open_at(folder.path() / "a.db");
    CHECK(*again->number("SELECT count(*) FROM t") == 3);
}

TEST_CASE("a transaction whose gathered pages could not be written is not committed, whoever heard of it") {
    const tests::TemporaryFolder folder;
    const auto path = folder.path() / "a.db";
    const auto connection = open_at(path);
    REQUIRE(connection->execute(std::string(table) + "; PRAGMA cache_size=10"));
    REQUIRE(connection->begin());
    insert_pages(*connection, 1, 20);
    REQUIRE(connection->commit());

    REQUIRE(connection->begin());
    bool failed = false;
    auto insert = connection->prepare("INSERT INTO t(n, b) VALUES(?, randomblob(3000))");
    {
        const tests::FilesCannotGrow fault(std::filesystem::file_size(path.string() + "-wal"));
        for (std::int64_t n = 21; n < 200 && !failed; ++n)
            failed = !insert->run(n) || !connection->number("SELECT sum(length(b)) FROM t");
        CHECK_FALSE(connection->commit());
    }
    CHECK(failed);

    connection->rollback();
    CHECK(*connection->number("SELECT count(*) FROM t") == 20);
    CHECK(*connection->number("SELECT count(*) FROM (SELECT * FROM pragma_integrity_check) "
                              "WHERE integrity_check <> 'ok'") == 0);
}
