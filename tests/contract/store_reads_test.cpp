// Reads between the store's commits: none is held up by commits for long, none makes one, and many that
// wait are served together. Where they run: the store thread, or in place.
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "core/limits.hpp"
#include "platform/store/store_thread.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/commit_job.hpp"
#include "tests/support/faulty_transactions.hpp"

using namespace meterbox;
using namespace meterbox::platform;
using tests::FaultyTransactions;
using tests::Job;
using tests::Read;

namespace {

struct Fixture {
    explicit Fixture(store::Placement placement = store::Placement::where_quickest)
        : thread(loop, transactions, placement) {}

    void run() {
        loop.restart();
        loop.run();
    }

    boost::asio::io_context loop{1};
    FaultyTransactions transactions;
    store::StoreThread thread;
};

}  // namespace

TEST_CASE("a read runs between commits, forces none, and isn't held up by them", "[store]") {
    Fixture fixture;
    bool read = false;
    int commits_before_read = -1;
    auto job = std::make_unique<Read>();
    job->on_run = [&] { commits_before_read = fixture.transactions.committed(); };
    job->on_finish = [&] { read = true; };
    // Commits that go on for as long as the read hasn't come back.
    std::function<void(const core::Result<void>&)> again = [&](const core::Result<void>&) {
        if (read) return;
        auto next = std::make_unique<Job>();
        next->on_finish = again;
        fixture.thread.submit(std::move(next));
    };
    again({});
    again({});  // two at once: they go to the store thread
    fixture.thread.read(std::move(job));
    fixture.run();
    CHECK(read);
    CHECK(commits_before_read <= 1);

    read = false;
    const int committed = fixture.transactions.committed();
    auto alone = std::make_unique<Read>();
    alone->on_finish = [&] { read = true; };
    fixture.thread.read(std::move(alone));
    fixture.run();
    CHECK(read);
    CHECK(fixture.transactions.committed() == committed);
}

TEST_CASE("a crowd that reads before it writes doesn't pay for a commit a head", "[store]") {
    Fixture fixture(GENERATE(store::Placement::where_quickest, store::Placement::in_place));
    constexpr int crowd = 300;
    int stored = 0;
    for (int number = 0; number < crowd; ++number) {
        auto read = std::make_unique<Read>();
        read->on_finish = [&] {
            auto job = std::make_unique<Job>();
            job->on_finish = [&](const core::Result<void>& committed) { stored += committed ? 1 : 0; };
            fixture.thread.submit(std::move(job));
        };
        fixture.thread.read(std::move(read));
    }
    fixture.run();
    CHECK(stored == crowd);
    CHECK(fixture.transactions.committed() <= crowd / 10);
}

TEST_CASE("reads that wait are answered in their order, also those for which a slice was too short",
          "[store]") {
    Fixture fixture;
    constexpr int count = static_cast<int>(core::limits::reads_at_once_max) + 10;
    const std::chrono::milliseconds longer_than_a_slice(core::limits::read_slice_ms + 1);
    std::vector<int> answered;
    std::vector<int> expected;
    for (int number = 0; number < count; ++number) {
        expected.push_back(number);
        auto read = std::make_unique<Read>();
        read->on_finish = [&answered, number] { answered.push_back(number); };
        if (number % 100 == 0) read->on_run = [=] { std::this_thread::sleep_for(longer_than_a_slice); };
        fixture.thread.read(std::move(read));
    }
    // Whatever is submitted meanwhile takes no read's place.
    fixture.thread.submit(std::make_unique<Job>());
    fixture.run();
    CHECK(answered == expected);
    CHECK(fixture.transactions.committed() == 1);
}

TEST_CASE("stop() answers each read that waits", "[store]") {
    Fixture fixture;
    constexpr int count = static_cast<int>(core::limits::reads_at_once_max) + 10;
    int answered = 0;
    for (int number = 0; number < count; ++number) {
        auto read = std::make_unique<Read>();
        read->on_finish = [&answered] { ++answered; };
        fixture.thread.read(std::move(read));
    }
    fixture.thread.stop();
    CHECK(answered == count);
}
