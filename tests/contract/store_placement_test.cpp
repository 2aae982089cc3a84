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
