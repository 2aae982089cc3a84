// What the store does in one go, and the thread that does it: one task at a time goes there and comes back.
// Whoever has the task has the database; the mutex orders what one thread did before what the other does.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "platform/store/store_thread.hpp"

namespace meterbox::platform::store {

using Group = std::vector<std::unique_ptr<CommitJob>>;
using Reads = std::vector<std::unique_ptr<ReadJob>>;

// A group's commit, or reads, or a slice of idle work.
struct Task {
    Group group;
    Reads reads;
    std::unique_ptr<IdleWork> idle;
    // What came of it.
    core::Result<void> committed;
    std::int64_t commit_us = 0;
    std::int64_t sync_us = 0;  // the last part of it
    std::size_t reads_run = 0;
    bool idle_has_more = false;
};

std::int64_t now_us();  // of the steady clock

// On whichever thread has it. slice: how long reads and idle work may take.
void run(Task& task, Transactions& transactions, std::chrono::milliseconds slice);

// start() and take() on the loop thread.
class Worker {
public:
    // on_done: called on the worker's own thread, when take() has something.
    Worker(Transactions& transactions, std::chrono::milliseconds slice, std::function<void()> on_done);
    ~Worker();  // after the task that it has
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    void start(Task task);  // it must have none
    // The task that is done, if it is; with wait, once it is.
    std::optional<Task> take(bool wait);

private:
    enum class Phase { idle, given, done, ended };

    void work() noexcept;

    Transactions& transactions_;
    std::chrono::milliseconds slice_;
    std::function<void()> on_done_;
    std::mutex mutex_;
    std::condition_variable changed_;
    Task task_;
    Phase phase_ = Phase::idle;
    std::thread thread_;
};

}  // namespace meterbox::platform::store
