// Where commits are made.
#include <boost/asio/io_context.hpp>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "core/assert.hpp"
#include "platform/store/store_thread.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/commit_job.hpp"
#include "tests/support/faulty_transactions.hpp"

using namespace meterbox;
using namespace meterbox::platform;

TEST_CASE("where others may hold the database for long, no commit is made on the loop's thread", "[store]") {
    boost::asio::io_context loop(1);
    tests::FaultyTransactions transactions;
    store::StoreThread thread(loop, transactions, store::Placement::on_its_thread);
    std::thread::id applied_on = std::this_thread::get_id();
    auto job = std::make_unique<tests::Job>();
    job->on_apply = [&applied_on] { applied_on = std::this_thread::get_id(); };
    thread.submit(std::move(job));
    loop.run();
    CHECK(transactions.committed() == 1);
    CHECK(applied_on != std::this_thread::get_id());
}

TEST_CASE("a store that commits in place never leaves the loop's thread, and takes a turn's jobs together") {
    boost::asio::io_context loop{1};
    tests::FaultyTransactions transactions;
    store::StoreThread thread{loop, transactions, store::Placement::in_place};
    std::vector<int> finished;
    for (int round = 0; round < 3; ++round) {
        for (int number = 0; number < 5; ++number) {
            auto job = std::make_unique<tests::Job>();
            job->on_apply = [on = std::this_thread::get_id()] {
                METERBOX_ASSERT(std::this_thread::get_id() == on);
            };
            job->on_finish = [&finished, number](const auto&) { finished.push_back(number); };
            thread.submit(std::move(job));
        }
        loop.restart();
        loop.run();
    }
    CHECK(finished == std::vector{0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1, 2, 3, 4});
    CHECK(transactions.committed() == 3);
}

TEST_CASE("a store that works by steps commits with one, and says so with the next") {
    boost::asio::io_context loop{1};
    tests::FaultyTransactions transactions;
    store::StoreThread thread{loop, transactions, store::Placement::by_steps};
    std::vector<int> finished;
    const auto submit = [&](int number) {
        auto job = std::make_unique<tests::Job>();
        job->on_finish = [&finished, number](const auto& committed) {
            finished.push_back(committed ? number : -number);
        };
        thread.submit(std::move(job));
        loop.restart();
        loop.run();
    };
    CHECK_FALSE(thread.step());
    submit(1);
    CHECK(transactions.committed() == 0);
    CHECK(thread.step());
    CHECK(transactions.committed() == 1);
    submit(2);  // it waits for the first one's answer
    submit(3);
    CHECK(finished.empty());
    CHECK(thread.step());
    CHECK(finished == std::vector{1});
    CHECK(transactions.committed() == 1);

    SECTION("what came meanwhile shares the next commit") {
        CHECK(thread.step());
        CHECK(transactions.committed() == 2);
        CHECK(thread.step());
        CHECK(finished == std::vector{1, 2, 3});
        CHECK_FALSE(thread.has_step());
    }
    SECTION("at the end all that is queued is committed and answered") {
        thread.stop();
        CHECK(transactions.committed() == 2);
        CHECK(finished == std::vector{1, 2, 3});
    }
    SECTION("of what a process that falls leaves behind nothing is done, and nobody hears") {
        thread.abandon();
        CHECK_FALSE(thread.step());
        CHECK(transactions.committed() == 1);
        CHECK(finished == std::vector{1});
    }
}
