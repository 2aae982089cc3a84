// Group commit: what the loop wants stored, stored with as few durable commits as it takes, and
// acknowledged after the commit that holds it. A lone job is committed in place, on the loop's own
// thread, as long as the disk is quick; what comes together, or while a commit runs, goes together
// to the store thread. One transaction at a time, in the order of submission. Knows nothing of
// SQLite: whoever owns the database implements Transactions.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/error.hpp"

namespace boost::asio {
class io_context;
}

namespace meterbox::platform::store {

// The database's transactions. Used by one thread at a time, the store thread or the loop's; what
// one did happened before what the next does, so no lock is needed.
class Transactions {
public:
    virtual ~Transactions() = default;
    virtual core::Result<void> begin() = 0;
    // An error means: not acknowledged. After an I/O error the outcome is unknown, and the owner ends
    // the process.
    virtual core::Result<void> commit() = 0;
    virtual void rollback() noexcept = 0;  // harmless when the database did it itself
    // After a commit that failed: the same jobs may be applied once more, in a transaction of their own.
    virtual bool may_repeat() const { return false; }
};

// Something to store, with whoever waits for it.
class CommitJob {
public:
    virtual ~CommitJob() = default;
    // Store side, inside the transaction, before the first job of its group is applied.
    virtual void announce() {}
    // Store side, inside the transaction. Keeps its outcome for finish(). A job that is refused must
    // have left no trace in the transaction: check first, then write. Called again where
    // Transactions::may_repeat().
    virtual void apply() = 0;
    // On the loop thread: after the commit, or after what kept it from happening (then nothing of the
    // job is stored, or nobody knows: Transactions::commit). Called exactly once.
    virtual void finish(const core::Result<void>& committed) = 0;
    // Events in it, for limits::group_commit_events_max.
    virtual std::size_t weight() const { return 1; }
};

// A read between two commits: sees what is committed, forces nothing to the disk. Keep it short; a
// long one is IdleWork.
class ReadJob {
public:
    virtual ~ReadJob() = default;
    virtual void run() = 0;     // store side, outside any transaction
    virtual void finish() = 0;  // on the loop thread, once
};

// How much of its slice a piece of idle work has left.
class Slice {
public:
    explicit Slice(std::chrono::microseconds length) : ends_(std::chrono::steady_clock::now() + length) {}
    bool over() const { return std::chrono::steady_clock::now() >= ends_; }

private:
    std::chrono::steady_clock::time_point ends_;
};

// Work that can wait and be cut: long reads, retention, incremental vacuum. One after the other: what a
// piece of it has seen so far changes by commits alone until it is done.
class IdleWork {
public:
    virtual ~IdleWork() = default;
    // Store side, outside any transaction (it may make its own by the thread's Transactions, and close it
    // again). Works until the slice is over (limits::read_slice_ms); true: there is more.
    virtual bool run(const Slice& slice) = 0;
    virtual void finish() = 0;  // on the loop thread, once, after the last slice or at stop()
};

struct StoreStatistics {
    std::uint64_t commits = 0;         // transactions committed
    std::uint64_t failed_commits = 0;  // transactions that were not
    std::uint64_t inline_commits = 0;  // of commits: in place, on the loop thread
    std::uint64_t jobs = 0;            // in those committed
    std::int64_t last_commit_us = 0;   // begin to the end of the commit
    std::int64_t max_commit_us = 0;
};

// Where transactions are made.
enum class Placement {
    where_quickest,  // on the store thread, or in place
    on_its_thread,   // always on the store thread: who has the database may keep it for seconds
    in_place,        // always on the loop's own thread, at the end of its turn: the same order every time
    by_steps,        // on the loop's own thread too, whenever step() says: a disk as slow as one likes
};

// All methods on the loop thread. A thread of its own while it lives, asleep when nothing waits.
class StoreThread {
public:
    StoreThread(boost::asio::io_context& loop, Transactions& transactions,
                Placement placement = Placement::where_quickest);
    ~StoreThread();  // stop()
    StoreThread(const StoreThread&) = delete;
    StoreThread& operator=(const StoreThread&) = delete;

    // Collected until the end of this turn of the loop. finish() is never called from inside.
    void submit(std::unique_ptr<CommitJob> job);
    void read(std::unique_ptr<ReadJob> job);
    void run_idle(std::unique_ptr<IdleWork> work);

    // Commits what is queued, what finish() adds to it included, then ends the thread; idle work is
    // told to finish where it is. Afterwards a job is finished at once with an error, unapplied.
    void stop();

    // Placement::by_steps alone. What is queued is committed or read, and with the next step who gave it
    // hears of it. False: there is neither.
    bool step();
    bool has_step() const;
    // As where the process has fallen: of what is queued nothing is done, and nobody hears of it.
    void abandon();

    std::size_t waiting() const;  // jobs submitted and not yet finished
    const StoreStatistics& statistics() const;

private:
    class State;
    std::shared_ptr<State> state_;
};

}  // namespace meterbox::platform::store
