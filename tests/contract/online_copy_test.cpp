// A copy that is made while the database is written to: at its end it is what the database is.
#include "platform/sqlite/online_copy.hpp"

#include <sys/stat.h>

#include "platform/sqlite/connection.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace meterbox;
using namespace meterbox::platform::sqlite;

namespace {

constexpr int rows = 2'000;

struct Copied {
    Copied() {
        auto opened = Connection::open({folder / "a.db", 77});
        REQUIRE(opened);
        source = std::move(*opened);
        REQUIRE(source->execute("CREATE TABLE t(n INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT"));
        REQUIRE(
            source->execute("WITH RECURSIVE c(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM c WHERE n < " +
                            std::to_string(rows) + ") INSERT INTO t SELECT n, hex(randomblob(100)) FROM c"));
    }
    // Of all that is in it: another row, order or text is another number.
    static std::int64_t sum(Connection& connection) {
        return connection
            .number(
                "SELECT coalesce(sum(n * 31 + unicode(text) * 7 + length(text) + unicode(substr(text, 50))), "
                "0) "
                "FROM t")
            .value();
    }

    tests::TemporaryFolder folder;
    std::unique_ptr<Connection> source;
};

}  // namespace

TEST_CASE_METHOD(Copied,
                 "a copy in pieces has what was committed between them, and nothing that was undone") {
    auto copy = OnlineCopy::begin(*source, folder / "copy.db");
    REQUIRE(copy);
    int pieces = 0;
    for (;;) {
        const auto more = (*copy)->go_on(3);
        REQUIRE(more);
        if (!*more) break;
        ++pieces;
        REQUIRE(pieces < 1'000);
        const std::string n = std::to_string(pieces);
        REQUIRE(source->begin());
        REQUIRE(source->execute("UPDATE t SET text = 'changed " + n + "' WHERE n % 97 = " + n + " % 97"));
        REQUIRE(source->execute("SAVEPOINT s; DELETE FROM t WHERE n > 10; ROLLBACK TO s; RELEASE s"));
        REQUIRE(source->execute("INSERT INTO t (text) VALUES ('new " + n + "')"));
        REQUIRE(source->execute("DELETE FROM t WHERE n = " + n + " * 5"));
        if (pieces == 4) {  // after which it begins anew
            source->rollback();
        } else {
            REQUIRE(source->commit());
        }
    }
    CHECK(pieces > 20);
    copy->reset();
    const auto made = Connection::open({folder / "copy.db", 77});
    REQUIRE(made);
    CHECK(Copied::sum(**made) == Copied::sum(*source));
    CHECK((*made)->number("SELECT count(*) FROM t").value() ==
          source->number("SELECT count(*) FROM t").value());
    CHECK(
        (*made)->number("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'").value() ==
        1);
}

TEST_CASE_METHOD(Copied, "a copy is a secret, and overwrites nothing") {
    REQUIRE(OnlineCopy::begin(*source, folder / "copy.db"));
    struct stat status {};
    REQUIRE(::stat((folder / "copy.db").c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0600);
    CHECK(OnlineCopy::begin(*source, folder / "copy.db").error().code == core::ErrorCode::conflict);
    CHECK(OnlineCopy::begin(*source, folder / "none" / "copy.db").error().code == core::ErrorCode::storage);
}
