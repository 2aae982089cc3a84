// Group commit on a real database: what is acknowledged is stored, what isn't leaves no trace. (Catch2 can't
// check on the store thread: what is applied there asserts.)
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "core/assert.hpp"
#include "platform/sql/connection_transactions.hpp"
#include "platform/sqlite/connection.hpp"
#include "platform/store/store_thread.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/commit_job.hpp"
#include "tests/support/faulty_transactions.hpp"
#include "tests/support/files_cannot_grow.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace meterbox;
using namespace meterbox::platform;
using platform::store::StoreThread;
using tests::FaultyTransactions;
using tests::Job;

TEST_CASE("under load there are fewer commits than jobs, and every one is stored once", "[store]") {
    const tests::TemporaryFolder folder;
    const auto connection = sqlite::Connection::open({folder / "a.db", 1}).value();
    REQUIRE(connection->execute("CREATE TABLE t(n INTEGER PRIMARY KEY) STRICT"));
    boost::asio::io_context loop(1);
    sql::ConnectionTransactions transactions(*connection);
    std::optional<sqlite::Statement> insert(connection->statement("INSERT INTO t VALUES(?)"));
    std::uint64_t commits = 0;
    int sent = 0;
    int acknowledged = 0;
    {
        StoreThread thread(loop, transactions);
        // 20 clients, each with one job open.
        std::function<void()> client = [&] {
            if (sent == 2'000) return;
            auto job = std::make_unique<Job>();
            job->on_apply = [&insert, number = ++sent] { METERBOX_ASSERT(insert->run(number)); };
            job->on_finish = [&](const core::Result<void>& committed) {
                REQUIRE(committed);
                ++acknowledged;
                boost::asio::post(loop, client);
            };
            thread.submit(std::move(job));
        };
        for (int i = 0; i < 20; ++i) boost::asio::post(loop, client);
        loop.run();
        commits = thread.statistics().commits;
    }
    CHECK(acknowledged == 2'000);
    CHECK(commits < 1'000);
    CHECK(connection->number("SELECT count(*) FROM t").value() == 2'000);
    insert.reset();
}

TEST_CASE("a group whose commit fails leaves no trace in the database", "[store]") {
    const tests::TemporaryFolder folder;
    const auto connection = sqlite::Connection::open({folder / "a.db", 1}).value();
    REQUIRE(connection->execute("CREATE TABLE t(n INTEGER PRIMARY KEY) STRICT"));
    boost::asio::io_context loop(1);
    sql::ConnectionTransactions real(*connection);
    FaultyTransactions transactions(&real);
    sqlite::Statement insert = connection->statement("INSERT INTO t VALUES(?)");
    StoreThread thread(loop, transactions);
    int failed = 0;
    const auto submit = [&](int number) {
        auto job = std::make_unique<Job>();
        job->on_apply = [&insert, number] { METERBOX_ASSERT(insert.run(number)); };
        job->on_finish = [&failed](const core::Result<void>& committed) { failed += committed ? 0 : 1; };
        thread.submit(std::move(job));
    };
    transactions.fail_call(2);
    for (int number = 1; number <= 3; ++number) submit(number);
    loop.run();
    CHECK(failed == 3);
    CHECK(connection->number("SELECT count(*) FROM t").value() == 0);
    for (int number = 1; number <= 3; ++number) submit(number);
    loop.restart();
    loop.run();
    CHECK(failed == 3);
    CHECK(connection->number("SELECT count(*) FROM t").value() == 3);
}

TEST_CASE("a job that refuses its event leaves no trace, and its neighbours are stored", "[store]") {
    const tests::TemporaryFolder folder;
    const auto connection = sqlite::Connection::open({folder / "a.db", 1}).value();
    REQUIRE(connection->execute("CREATE TABLE t(n INTEGER PRIMARY KEY) STRICT"));
    boost::asio::io_context loop(1);
    sql::ConnectionTransactions transactions(*connection);
    sqlite::Statement insert = connection->statement("INSERT INTO t VALUES(?) ON CONFLICT DO NOTHING");
    StoreThread thread(loop, transactions);
    std::vector<bool> taken;
    for (const int number : {1, 2, 1, 3}) {
        auto job = std::make_unique<Job>();
        auto first = std::make_shared<bool>(false);
        job->on_apply = [&, number, first] {
            METERBOX_ASSERT(insert.run(number));
            *first = connection->changes() == 1;
        };
        job->on_finish = [&taken, first](const core::Result<void>& committed) {
            REQUIRE(committed);
            taken.push_back(*first);
        };
        thread.submit(std::move(job));
    }
    loop.run();
    CHECK(taken == std::vector<bool>{true, true, false, true});
    CHECK(connection->number("SELECT count(*) FROM t").value() == 3);
}

TEST_CASE("a full disk answers every job with an error, and passes", "[store]") {
    const tests::TemporaryFolder folder;
    const auto connection = sqlite::Connection::open({folder / "a.db", 1}).value();
    REQUIRE(connection->execute("CREATE TABLE t(n INTEGER PRIMARY KEY, b BLOB NOT NULL) STRICT"));
    REQUIRE(connection->limit_pages(50));
    boost::asio::io_context loop(1);
    sql::ConnectionTransactions transactions(*connection);
    sqlite::Statement insert = connection->statement("INSERT INTO t VALUES(NULL, zeroblob(1000))");
    StoreThread thread(loop, transactions);
    int stored = 0;
    int refused = 0;
    const auto submit_100 = [&] {
        for (int i = 0; i < 100; ++i) {
            auto job = std::make_unique<Job>();
            // A job that doesn't look: the connection does.
            job->on_apply = [&insert] { static_cast<void>(insert.run()); };
            job->on_finish = [&](const core::Result<void>& committed) {
                ++(committed ? stored : refused);
                if (!committed) CHECK(committed.error().code == core::ErrorCode::storage);
            };
            thread.submit(std::move(job));
        }
        loop.restart();
        loop.run();
    };
    submit_100();
    submit_100();
    submit_100();
    CHECK(stored + refused == 300);
    CHECK(refused > 0);
    CHECK(connection->number("SELECT count(*) FROM t").value() == stored);
    REQUIRE(connection->limit_pages(500));
    refused = 0;
    submit_100();
    CHECK(refused == 0);
    CHECK(connection->number("SELECT count(*) FROM t").value() == stored);
}

TEST_CASE("what waits behind a commit of unknown outcome is refused, and never stored unanswered",
          "[store]") {
    const tests::TemporaryFolder folder;
    const auto connection = sqlite::Connection::open({folder / "a.db", 1}).value();
    REQUIRE(connection->execute("CREATE TABLE t(n INTEGER PRIMARY KEY) STRICT"));
    boost::asio::io_context loop(1);
    sql::ConnectionTransactions transactions(*connection);
    sqlite::Statement insert = connection->statement("INSERT INTO t VALUES(?)");
    StoreThread thread(loop, transactions);
    std::vector<bool> stored;
    const auto submit = [&](int number) {
        auto job = std::make_unique<Job>();
        job->on_apply = [&insert, number] { static_cast<void>(insert.run(number)); };
        job->on_finish = [&stored](const core::Result<void>& committed) {
            stored.push_back(committed.has_value());
        };
        thread.submit(std::move(job));
    };
    {
        const tests::FilesCannotGrow fault;
        submit(1);
        loop.run();
    }
    REQUIRE(stored == std::vector<bool>{false});
    REQUIRE(connection->last_fault() == sqlite::StorageFault::io);
    submit(2);
    thread.stop();
    CHECK(stored == std::vector<bool>{false, false});
    CHECK(connection->number("SELECT count(*) FROM t WHERE n = 2").value() == 0);
}
