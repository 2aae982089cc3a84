// A database in trouble: another process, a kill, a full disk.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "platform/sqlite/connection.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace meterbox;
using namespace meterbox::platform::sqlite;

namespace {

// Another process that does something, says so, and waits to be told to go on (or to be killed).
class Child {
public:
    explicit Child(const std::function<bool()>& does) {
        REQUIRE(::pipe2(said_, O_CLOEXEC) == 0);
        REQUIRE(::pipe2(told_, O_CLOEXEC) == 0);
        process_ = ::fork();
        REQUIRE(process_ >= 0);
        if (process_ == 0) {
            const char done = does() ? 'y' : 'n';
            if (::write(said_[1], &done, 1) != 1) ::_exit(2);
            char ignored = 0;
            ::_exit(::read(told_[0], &ignored, 1) == 1 ? 0 : 3);
        }
    }
    ~Child() {
        kill();
        for (const int end : {said_[0], said_[1], told_[0], told_[1]}) ::close(end);
    }
    bool did() const {
        char done = 0;
        return ::read(said_[0], &done, 1) == 1 && done == 'y';
    }
    void go_on() const { REQUIRE(::write(told_[1], "g", 1) == 1); }
    void kill() {
        if (process_ <= 0) return;
        ::kill(process_, SIGKILL);
        ::waitpid(process_, nullptr, 0);
        process_ = 0;
    }

private:
    int said_[2];
    int told_[2];
    pid_t process_ = 0;
};

constexpr const char* table = "CREATE TABLE t(n INTEGER PRIMARY KEY, b BLOB NOT NULL) STRICT";

// Fills the database with rows of 1000 bytes, one a commit, until one is refused. How many were taken.
std::int64_t fill(Connection& connection, std::int64_t first, core::Result<void>& refused) {
    Statement insert = connection.statement("INSERT INTO t VALUES(?, zeroblob(1000))");
    for (std::int64_t n = first; n < first + 100'000; ++n) {
        refused = connection.begin();
        if (refused) refused = insert.run(n);
        if (refused) {
            refused = connection.commit();
        } else {
            connection.rollback();
        }
        if (!refused) return n - first;
    }
    return 100'000;
}

}  // namespace

TEST_CASE("a second process is told that the database is in use", "[sqlite]") {
    const tests::TemporaryFolder folder;
    std::unique_ptr<Connection> held;
    const Child child([&] {
        auto opened = Connection::open({folder / "a.db", 77});
        if (opened) held = std::move(*opened);
        return held != nullptr;
    });
    REQUIRE(child.did());
    StorageFault fault = StorageFault::none;
    const auto refused = Connection::open({folder / "a.db", 77}, &fault);
    REQUIRE_FALSE(refused);
    CHECK(fault == StorageFault::busy);
    CHECK(refused.error().detail.find("in use by another process") != std::string::npos);
    CHECK(refused.error().detail.find("a.db") != std::string::npos);
}

TEST_CASE("a process that waits gets the database when the other leaves", "[sqlite]") {
    const tests::TemporaryFolder folder;
    std::unique_ptr<Connection> held;
    const Child child([&] {
        auto opened = Connection::open({folder / "a.db", 77});
        if (opened) held = std::move(*opened);
        return held != nullptr;
    });
    REQUIRE(child.did());
    child.go_on();
    CHECK(Connection::open({folder / "a.db", 77, true, 60'000}));
}

TEST_CASE("what was committed is there after a kill, what was not is not", "[sqlite]") {
    const tests::TemporaryFolder folder;
    std::unique_ptr<Connection> held;
    Child child([&] {
        auto opened = Connection::open({folder / "a.db", 77});
        if (!opened) return false;
        held = std::move(*opened);
        return held->execute(table) && held->begin() && held->execute("INSERT INTO t VALUES(1, x'')") &&
               held->commit() && held->begin() && held->execute("INSERT INTO t VALUES(2, x'')");
    });
    REQUIRE(child.did());
    child.kill();
    const auto connection = Connection::open({folder / "a.db", 77});
    REQUIRE(connection);
    CHECK((*connection)->number("SELECT sum(n) FROM t").value() == 1);
}

TEST_CASE("a full disk refuses, keeps what was acknowledged, and resumes by itself", "[sqlite]") {
    const tests::TemporaryFolder folder;
    const auto connection = Connection::open({folder / "a.db", 77}).value();
    REQUIRE(connection->execute(table));
    REQUIRE(connection->limit_pages(100));
    core::Result<void> refused;
    const std::int64_t taken = fill(*connection, 0, refused);
    REQUIRE_FALSE(refused);
    CHECK(taken > 50);
    CHECK(refused.error().code == core::ErrorCode::storage);
    CHECK(refused.error().detail.find("disk full") != std::string::npos);
    CHECK(connection->last_fault() == StorageFault::full);
    CHECK(connection->number("SELECT count(*) FROM t").value() == taken);
    REQUIRE(connection->limit_pages(200));
    CHECK(fill(*connection, taken, refused) > 50);
}

TEST_CASE("what a full disk cut in half is never committed, even if nobody looked", "[sqlite]") {
    const tests::TemporaryFolder folder;
    const auto connection = Connection::open({folder / "a.db", 77}).value();
    REQUIRE(connection->execute(table));
    REQUIRE(connection->limit_pages(20));
    REQUIRE(connection->begin());
    REQUIRE(connection->execute("INSERT INTO t VALUES(1, x'00')"));
    const auto ignored = connection->execute("INSERT INTO t VALUES(2, zeroblob(200000))");
    CHECK_FALSE(ignored);
    // SQLite has rolled back by itself; this must not be stored on its own.
    CHECK_FALSE(connection->execute("INSERT INTO t VALUES(4, x'00')"));
    Statement insert = connection->statement("INSERT INTO t VALUES(5, x'00')");
    CHECK_FALSE(insert.run());
    const auto committed = connection->commit();
    REQUIRE_FALSE(committed);
    CHECK(committed.error().detail.find("disk full") != std::string::npos);
    CHECK(connection->last_fault() == StorageFault::full);
    CHECK(connection->number("SELECT count(*) FROM t").value() == 0);
    // The next transaction starts clean.
    REQUIRE(connection->begin());
    REQUIRE(connection->execute("INSERT INTO t VALUES(3, x'00')"));
    CHECK(connection->commit());
}

TEST_CASE("a file system without space is a full disk, and passes", "[sqlite]") {
    const tests::TemporaryFolder folder;
    // A mount of this process's own; without the right to it the page limit above has to do.
    if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=1m") != 0) {
        WARN("no right to mount a file system: not tried");
        return;
    }
    {
        const auto connection = Connection::open({folder / "a.db", 77}).value();
        REQUIRE(connection->execute(table));
        const int ballast = ::open((folder / "ballast").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        REQUIRE(::posix_fallocate(ballast, 0, 512 * 1024) == 0);
        core::Result<void> refused;
        const std::int64_t taken = fill(*connection, 0, refused);
        REQUIRE_FALSE(refused);
        CHECK(connection->last_fault() == StorageFault::full);
        CHECK(connection->number("SELECT count(*) FROM t").value() == taken);
        REQUIRE(::ftruncate(ballast, 0) == 0);
        ::close(ballast);
        CHECK(fill(*connection, taken, refused) > 0);
        CHECK(connection->number("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'")
                  .value() == 0);
    }
    ::umount(folder.path().c_str());
}
