#include "platform/store/store_worker.hpp"

#include <pthread.h>
#include <signal.h>

#include <utility>

#include "core/assert.hpp"

namespace meterbox::platform::store {
namespace {

// Signals are the loop's: a thread inherits the mask of the one that makes it.
std::thread thread_without_signals(std::function<void()> body) {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    std::thread thread(std::move(body));
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    pthread_setname_np(thread.native_handle(), "store");
    return thread;
}

void commit(Task& task, Transactions& transactions) {
    const std::int64_t start = now_us();
    std::int64_t applied = start;
    task.committed = transactions.begin();
    if (task.committed) {
        for (const auto& job : task.group) job->announce();
        for (const auto& job : task.group) job->apply();
        applied = now_us();
        task.committed = transactions.commit();
    }
    if (!task.committed) transactions.rollback();
    const std::int64_t end = now_us();
    task.commit_us = end - start;
    task.sync_us = end - applied;
}

void run_reads(Task& task, std::chrono::milliseconds slice) {
    const Slice reading(slice);
    while (task.reads_run < task.reads.size() && (task.reads_run == 0 || !reading.over()))
        task.reads[task.reads_run++]->run();
}

}  // namespace

std::int64_t now_us() {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

void run(Task& task, Transactions& transactions, std::chrono::milliseconds slice) {
    if (!task.group.empty()) {
        commit(task, transactions);
        if (!task.committed && transactions.may_repeat()) commit(task, transactions);
    }
    if (!task.reads.empty()) run_reads(task, slice);
    if (task.idle) task.idle_has_more = task.idle->run(Slice(slice));
}

Worker::Worker(Transactions& transactions, std::chrono::milliseconds slice, std::function<void()> on_done)
    : transactions_(transactions), slice_(slice), on_done_(std::move(on_done)) {
    thread_ = thread_without_signals([this] { work(); });
}

Worker::~Worker() {
    {
        const std::lock_guard lock(mutex_);
        phase_ = Phase::ended;
    }
    changed_.notify_all();
    thread_.join();
}

void Worker::start(Task task) {
    {
        const std::lock_guard lock(mutex_);
        METERBOX_ASSERT(phase_ == Phase::idle);
        task_ = std::move(task);
        phase_ = Phase::given;
    }
    changed_.notify_one();
}

std::optional<Task> Worker::take(bool wait) {
    std::unique_lock lock(mutex_);
    if (wait) changed_.wait(lock, [this] { return phase_ == Phase::done; });
    if (phase_ != Phase::done) return std::nullopt;
    phase_ = Phase::idle;
    return std::move(task_);
}

void Worker::work() noexcept {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [this] { return phase_ == Phase::given || phase_ == Phase::ended; });
        if (phase_ == Phase::ended) return;
        lock.unlock();
        run(task_, transactions_, slice_);
        lock.lock();
        phase_ = Phase::done;
        lock.unlock();
        changed_.notify_all();
        on_done_();
        lock.lock();
    }
}

}  // namespace meterbox::platform::store
