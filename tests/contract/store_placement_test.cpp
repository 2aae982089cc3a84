// Where commits are made.
#include <boost/asio/io_context.hpp>
#include <memory>
#include <thread>

#include "platform/store/store_thread.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/faulty_transactions.hpp"

using namespace meterbox;
using namespace meterbox::platform;

namespace {

struct Job final : store::CommitJob {
    explicit Job(std::thread::id& on) : applied_on(on) {}
    void apply() override { applied_on = std::this_thread::get_id(); }
    void finish(const core::Result<void>&) override {}
    std::thread::id& applied_on;
};

}  // namespace

TEST_CASE("where others may hold the database for long, no commit is made on the loop's thread", "[store]") {
    boost::asio::io_context loop(1);
    tests::FaultyTransactions transactions;
    store::StoreThread thread(loop, transactions, store::Placement::on_its_thread);
    std::thread::id applied_on = std::this_thread::get_id();
    thread.submit(std::make_unique<Job>(applied_on));
    loop.run();
    CHECK(transactions.committed() == 1);
    CHECK(applied_on != std::this_thread::get_id());
}
