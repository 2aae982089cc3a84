// The promises of group commit, kept on either thread and whatever fails. On a real database:
// store_on_sqlite_test.cpp; of reads: store_reads_test.cpp. (Catch2 can't check on the store thread: what is
// applied there asserts.)
#include "platform/store/store_thread.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <functional>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "core/assert.hpp"
#include "core/limits.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/commit_job.hpp"
#include "tests/support/faulty_transactions.hpp"

using namespace meterbox;
using namespace meterbox::platform;
using platform::store::StoreThread;
using tests::FaultyTransactions;
using tests::Job;

namespace {

class Idle final : public store::IdleWork {
public:
    std::function<bool()> on_run = [] { return false; };
    std::function<void()> on_finish = [] {};
    bool run(const store::Slice&) override { return on_run(); }
    void finish() override { on_finish(); }
};

// A loop, a store thread on it, and a note of what was finished, in order.
struct Fixture {
    boost::asio::io_context loop{1};
    FaultyTransactions transactions;
    StoreThread thread{loop, transactions};
    std::vector<int> finished;
    std::vector<int> failed;

    std::unique_ptr<Job> job(int number) {
        auto made = std::make_unique<Job>();
        made->on_finish = [this, number](const core::Result<void>& committed) {
            (committed ? finished : failed).push_back(number);
        };
        return made;
    }
    void submit(int first, int last) {
        for (int number = first; number <= last; ++number) thread.submit(job(number));
    }
    void run() {
        loop.restart();
        loop.run();
    }
    // After three at once, a lone job isn't all that there was a moment ago: it goes to the thread.
    void expect_company() {
        submit(-3, -1);
        run();
        finished.clear();
    }
};

std::vector<int> numbers(int first, int last) {
    std::vector<int> all;
    for (int number = first; number <= last; ++number) all.push_back(number);
    return all;
}

}  // namespace

TEST_CASE("jobs of one turn are one commit, finished in the order of submission", "[store]") {
    Fixture fixture;
    fixture.submit(1, 100);
    CHECK(fixture.thread.waiting() == 100);
    CHECK(fixture.finished.empty());
    fixture.run();
    CHECK(fixture.finished == numbers(1, 100));
    CHECK(fixture.thread.waiting() == 0);
    CHECK(fixture.transactions.committed() == 1);
    CHECK(fixture.thread.statistics().commits == 1);
    CHECK(fixture.thread.statistics().jobs == 100);
}

TEST_CASE("jobs that other handlers of the same turn submit are in the same commit", "[store]") {
    Fixture fixture;
    for (int number = 1; number <= 10; ++number) {
        boost::asio::post(fixture.loop, [&fixture, number] { fixture.submit(number, number); });
    }
    fixture.run();
    CHECK(fixture.finished == numbers(1, 10));
    CHECK(fixture.transactions.committed() == 1);
}

TEST_CASE("a lone job is committed in place, without a thread switch", "[store]") {
    Fixture fixture;
    std::thread::id applied_on;
    auto job = fixture.job(1);
    job->on_apply = [&applied_on] { applied_on = std::this_thread::get_id(); };
    fixture.thread.submit(std::move(job));
    fixture.run();
    CHECK(fixture.finished == numbers(1, 1));
    CHECK(applied_on == std::this_thread::get_id());
    CHECK(fixture.thread.statistics().inline_commits == 1);
}

TEST_CASE("while a commit runs the loop goes on, and what gathers is the next commit", "[store]") {
    Fixture fixture;
    fixture.expect_company();
    std::promise<void> gathered;
    auto first = fixture.job(0);
    std::thread::id applied_on;
    first->on_apply = [&] {
        applied_on = std::this_thread::get_id();
        // Only a loop that isn't waiting for this can fulfil it.
        boost::asio::post(fixture.loop, [&] {
            fixture.submit(1, 50);
            gathered.set_value();
        });
        gathered.get_future().wait();
    };
    const int before = fixture.transactions.committed();
    fixture.thread.submit(std::move(first));
    fixture.run();
    CHECK(applied_on != std::this_thread::get_id());
    CHECK(fixture.finished == numbers(0, 50));
    CHECK(fixture.transactions.committed() - before == 2);
}

TEST_CASE("a slow disk is never waited for on the loop, a quick one is again", "[store]") {
    class SlowOnce final : public store::Transactions {
    public:
        bool slow = true;
        core::Result<void> begin() override { return {}; }
        core::Result<void> commit() override {
            if (std::exchange(slow, false)) std::this_thread::sleep_for(std::chrono::milliseconds(50));
            return {};
        }
        void rollback() noexcept override {}
    };
    boost::asio::io_context loop(1);
    SlowOnce transactions;
    StoreThread thread(loop, transactions);
    const auto commit_one = [&] {
        const auto before = thread.statistics().inline_commits;
        thread.submit(std::make_unique<Job>());
        loop.restart();
        loop.run();
        return thread.statistics().inline_commits > before;
    };
    CHECK(commit_one());
    CHECK_FALSE(commit_one());
    bool in_place_again = false;
    for (int i = 0; i < 1000 && !in_place_again; ++i) in_place_again = commit_one();
    CHECK(in_place_again);
}

TEST_CASE("a transaction is bounded in jobs and in events", "[store]") {
    Fixture fixture;
    const int jobs = static_cast<int>(core::limits::group_commit_jobs_max) + 1;
    fixture.submit(1, jobs);
    fixture.run();
    CHECK(fixture.finished == numbers(1, jobs));
    CHECK(fixture.transactions.committed() == 2);

    fixture.finished.clear();
    const int before = fixture.transactions.committed();
    for (int number = 1; number <= 5; ++number) {
        auto heavy = fixture.job(number);
        heavy->events = core::limits::group_commit_events_max / 2;
        fixture.thread.submit(std::move(heavy));
    }
    fixture.run();
    CHECK(fixture.finished == numbers(1, 5));
    CHECK(fixture.transactions.committed() - before == 3);
}

TEST_CASE("a job heavier than any transaction gets one of its own", "[store]") {
    Fixture fixture;
    auto heavy = fixture.job(1);
    heavy->events = core::limits::group_commit_events_max * 2;
    fixture.thread.submit(std::move(heavy));
    fixture.submit(2, 2);
    fixture.run();
    CHECK(fixture.finished == numbers(1, 2));
    CHECK(fixture.transactions.committed() == 2);
}

TEST_CASE("a failing begin or commit answers each job of its group and no other", "[store]") {
    const int failing = GENERATE(1, 2, 3, 4, 5, 6);  // begin and commit of three groups
    const bool on_thread = GENERATE(false, true);
    CAPTURE(failing, on_thread);
    Fixture fixture;
    if (on_thread) fixture.expect_company();
    fixture.transactions.fail_call(fixture.transactions.calls() + failing);
    const int rolled_back = fixture.transactions.rolled_back();
    for (int group = 0; group < 3; ++group) {
        fixture.submit(2 * group, 2 * group + 1);
        fixture.run();
    }
    CHECK(fixture.finished.size() + fixture.failed.size() == 6);
    REQUIRE(fixture.failed.size() == 2);
    CHECK(fixture.failed[1] == fixture.failed[0] + 1);
    CHECK(fixture.transactions.rolled_back() - rolled_back == 1);
    CHECK(fixture.thread.statistics().failed_commits == 1);
    CHECK(fixture.thread.waiting() == 0);
}

TEST_CASE("a group whose commit failed and may be repeated is applied once more, and answered once",
          "[store]") {
    Fixture fixture;
    fixture.transactions.allow_repeat();
    fixture.transactions.fail_call(2);
    int applied = 0;
    for (int number = 1; number <= 3; ++number) {
        auto one = fixture.job(number);
        one->on_apply = [&applied] { ++applied; };
        fixture.thread.submit(std::move(one));
    }
    fixture.run();
    CHECK(applied == 6);
    CHECK(fixture.finished == std::vector{1, 2, 3});
    CHECK(fixture.failed.empty());
    CHECK(fixture.transactions.rolled_back() == 1);
    CHECK(fixture.transactions.committed() == 1);
}

TEST_CASE("after a failure its owner hears of it before the next commit begins", "[store]") {
    Fixture fixture;
    fixture.expect_company();
    fixture.transactions.fail_call(fixture.transactions.calls() + 2);  // the commit of the next group
    std::promise<void> gathered;
    bool applied_before_heard = false;
    auto first = std::make_unique<Job>();
    first->on_apply = [&] {
        boost::asio::post(fixture.loop, [&] {
            auto second = fixture.job(2);
            second->on_apply = [&] { applied_before_heard = fixture.failed.empty(); };
            fixture.thread.submit(std::move(second));
            gathered.set_value();
        });
        gathered.get_future().wait();
    };
    first->on_finish = [&](const core::Result<void>& committed) {
        if (!committed) fixture.failed.push_back(1);
    };
    fixture.thread.submit(std::move(first));
    fixture.run();
    CHECK(fixture.failed == numbers(1, 1));
    CHECK(fixture.finished == numbers(2, 2));
    CHECK_FALSE(applied_before_heard);
}

TEST_CASE("a job that finish() submits is committed later, never inside", "[store]") {
    Fixture fixture;
    auto first = std::make_unique<Job>();
    bool inside = false;
    bool second_inside = true;
    first->on_finish = [&](const core::Result<void>&) {
        inside = true;
        auto second = fixture.job(2);
        second->on_apply = [&] { second_inside = inside; };
        fixture.thread.submit(std::move(second));
        inside = false;
    };
    fixture.thread.submit(std::move(first));
    fixture.run();
    CHECK(fixture.finished == numbers(2, 2));
    CHECK_FALSE(second_inside);
}

TEST_CASE("stop() commits all that waits, and what its answers bring", "[store]") {
    const bool on_thread = GENERATE(false, true);
    Fixture fixture;
    if (on_thread) fixture.expect_company();
    auto first = std::make_unique<Job>();
    first->on_finish = [&](const core::Result<void>& committed) {
        CHECK(committed.has_value());
        fixture.submit(4, 4);
    };
    fixture.thread.submit(std::move(first));
    if (on_thread) {
        // Handed over, and perhaps still there when stop() comes.
        while (fixture.thread.waiting() > 0 && fixture.loop.poll_one() > 0) {
        }
        fixture.loop.restart();
    }
    fixture.submit(2, 3);
    fixture.thread.stop();
    fixture.thread.stop();
    CHECK(fixture.thread.waiting() == 0);
    std::sort(fixture.finished.begin(), fixture.finished.end());
    CHECK(fixture.finished == numbers(2, 4));
    fixture.run();  // what was still posted does no harm
    CHECK(fixture.finished == numbers(2, 4));
}

TEST_CASE("a job after stop() is refused and not applied", "[store]") {
    Fixture fixture;
    fixture.thread.stop();
    auto late = fixture.job(1);
    bool applied = false;
    late->on_apply = [&applied] { applied = true; };
    fixture.thread.submit(std::move(late));
    fixture.run();
    CHECK(fixture.failed == numbers(1, 1));
    CHECK_FALSE(applied);
}

TEST_CASE("idle work goes on in slices between commits until it has no more", "[store]") {
    Fixture fixture;
    int slices = 0;
    bool done = false;
    auto work = std::make_unique<Idle>();
    work->on_run = [&slices] { return ++slices < 5; };
    work->on_finish = [&done] { done = true; };
    fixture.thread.run_idle(std::move(work));
    std::function<void(const core::Result<void>&)> again = [&](const core::Result<void>&) {
        if (done) return;
        auto next = std::make_unique<Job>();
        next->on_finish = again;
        fixture.thread.submit(std::move(next));
    };
    again({});
    fixture.run();
    CHECK(done);
    CHECK(slices == 5);
}

TEST_CASE("idle work that was begun is done before other idle work begins", "[store]") {
    Fixture fixture;
    std::vector<std::string> order;
    const auto submit = [&](const std::string& name) {
        auto work = std::make_unique<Idle>();
        work->on_run = [&order, name, slices = 0]() mutable {
            order.push_back(name);
            return ++slices < 3;
        };
        fixture.thread.run_idle(std::move(work));
    };
    submit("verify");
    submit("forget");
    fixture.run();
    CHECK(order == std::vector<std::string>{"verify", "verify", "verify", "forget", "forget", "forget"});
}

TEST_CASE("stop() ends idle work where it is", "[store]") {
    Fixture fixture;
    bool done = false;
    auto work = std::make_unique<Idle>();
    work->on_run = [] { return true; };
    work->on_finish = [&done] { done = true; };
    fixture.thread.run_idle(std::move(work));
    fixture.loop.poll_one();
    fixture.thread.stop();
    CHECK(done);
}
