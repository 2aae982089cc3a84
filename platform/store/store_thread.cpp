#include "platform/store/store_thread.hpp"

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "core/assert.hpp"
#include "core/limits.hpp"
#include "platform/store/pace.hpp"
#include "platform/store/store_worker.hpp"

namespace meterbox::platform::store {
using core::Result;

namespace {

constexpr std::chrono::milliseconds usual_slice{core::limits::read_slice_ms};
constexpr std::chrono::hours endless_slice{1};  // in place nothing may depend on how long it takes

}  // namespace

// Everything here but the worker's own is the loop thread's. Posted handlers hold a reference, so
// that one which is still queued when the StoreThread goes finds it stopped and not gone.
class StoreThread::State : public std::enable_shared_from_this<State> {
public:
    State(boost::asio::io_context& loop, Transactions& transactions, Placement placement)
        : loop_(loop), transactions_(transactions), placement_(placement) {}

    void start() {
        open_ = true;
        if (placement_ == Placement::in_place || placement_ == Placement::by_steps) return;
        worker_.emplace(transactions_, usual_slice, [this, weak = weak_from_this()] {
            boost::asio::post(loop_, [weak] {
                if (const auto state = weak.lock()) state->collect();
            });
        });
    }

    void submit(std::unique_ptr<CommitJob> job) {
        if (!open_) {
            job->finish(core::Error{core::ErrorCode::storage, "the store is shut", {}, {}});
            return;
        }
        gathered_.push_back(std::move(job));
        ++waiting_;
        at_end_of_turn();
    }
    void read(std::unique_ptr<ReadJob> job) {
        METERBOX_ASSERT(open_);
        reads_.push_back(std::move(job));
        at_end_of_turn();
    }
    void run_idle(std::unique_ptr<IdleWork> work) {
        METERBOX_ASSERT(open_);
        idle_.push_back(std::move(work));
        at_end_of_turn();
    }
    void stop();
    bool step();
    bool has_step() const { return step_.has_value(); }
    void abandon();

    std::size_t waiting() const { return waiting_; }
    const StoreStatistics& statistics() const { return statistics_; }

private:
    void at_end_of_turn();
    void collect();
    void advance();
    Task next_task();
    Group take_group();
    Reads take_reads();
    void put_back_unread(Task& task);
    void hand_over(Task task);
    void run_here(Task task);
    void note(const Task& task);
    void finish(Task task);

    boost::asio::io_context& loop_;
    Transactions& transactions_;
    Placement placement_;
    bool open_ = false;  // until stop()
    std::deque<std::unique_ptr<CommitJob>> gathered_;
    std::deque<std::unique_ptr<ReadJob>> reads_;
    std::deque<std::unique_ptr<IdleWork>> idle_;
    std::size_t waiting_ = 0;
    bool turn_posted_ = false;
    bool busy_ = false;  // the worker has a task
    int commits_since_other_ = 0;
    Pace pace_;
    StoreStatistics statistics_;
    // The loop has work to come while the worker has.
    std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> loop_stays_;
    std::optional<Worker> worker_;  // none: all in place, or by steps
    struct Step {
        Task task;
        bool ran = false;
    };
    std::optional<Step> step_;  // by steps: what runs with the next one, or is heard of
};

// A handler that is posted now runs after those that are ready already, so that what this turn of
// the loop has read from other sockets goes into the same group.
void StoreThread::State::at_end_of_turn() {
    if (busy_ || turn_posted_) return;
    turn_posted_ = true;
    boost::asio::post(loop_, [weak = weak_from_this()] {
        if (const auto state = weak.lock()) {
            state->turn_posted_ = false;
            state->advance();
        }
    });
}

void StoreThread::State::advance() {
    if (busy_ || !open_) return;
    const bool in_place = placement_ == Placement::in_place;
    if (worker_ && !gathered_.empty() && pace_.waits(gathered_.size(), now_us())) {
        at_end_of_turn();
        return;
    }
    Task task = next_task();
    if (task.group.empty() && task.reads.empty() && !task.idle) return;
    if (in_place || (placement_ == Placement::where_quickest && !task.group.empty() &&
                     pace_.in_place(task.group.size()))) {
        if (!task.group.empty()) ++statistics_.inline_commits;
        run_here(std::move(task));
    } else {
        hand_over(std::move(task));
    }
}

// Commits first; but reads wait for one of them at most, and idle work for a few.
Task StoreThread::State::next_task() {
    constexpr int commits_before_idle = 16;
    Task task;
    const bool read_next = !reads_.empty() && (gathered_.empty() || commits_since_other_ > 0);
    const bool idle_next =
        !idle_.empty() && (gathered_.empty() || commits_since_other_ >= commits_before_idle);
    if (read_next) {
        task.reads = take_reads();
    } else if (idle_next) {
        task.idle = std::move(idle_.front());
        idle_.pop_front();
    } else {
        task.group = take_group();
    }
    commits_since_other_ = task.group.empty() ? 0 : commits_since_other_ + 1;
    return task;
}

Group StoreThread::State::take_group() {
    Group group;
    std::size_t events = 0;
    while (!gathered_.empty() && group.size() < core::limits::group_commit_jobs_max) {
        events += gathered_.front()->weight();
        if (!group.empty() && events > core::limits::group_commit_events_max) break;
        group.push_back(std::move(gathered_.front()));
        gathered_.pop_front();
    }
    return group;
}

// All that wait: one for each commit, and a crowd that reads before it writes would pay a sync a head.
Reads StoreThread::State::take_reads() {
    Reads taken;
    while (!reads_.empty() && taken.size() < core::limits::reads_at_once_max) {
        taken.push_back(std::move(reads_.front()));
        reads_.pop_front();
    }
    return taken;
}

// Those for which its slice was too short are first the next time.
void StoreThread::State::put_back_unread(Task& task) {
    while (task.reads.size() > task.reads_run) {
        reads_.push_front(std::move(task.reads.back()));
        task.reads.pop_back();
    }
}

void StoreThread::State::hand_over(Task task) {
    busy_ = true;
    if (!worker_) {
        step_.emplace(std::move(task));
        return;
    }
    loop_stays_.emplace(loop_.get_executor());
    worker_->start(std::move(task));
}

void StoreThread::State::run_here(Task task) {
    run(task, transactions_, worker_ ? usual_slice : endless_slice);
    put_back_unread(task);
    note(task);
    finish(std::move(task));
}

void StoreThread::State::collect() {
    if (!worker_ || !busy_) return;
    std::optional<Task> done = worker_->take(false);
    if (!done) return;
    busy_ = false;
    loop_stays_.reset();
    put_back_unread(*done);
    note(*done);
    // The next group is under way while the answers of this one are made. After a failure the owner
    // hears of it first, for it may end the process.
    if (done->committed && !gathered_.empty() && !pace_.waiting()) hand_over(next_task());
    finish(std::move(*done));
}

// As collect() does: the next group waits for its step while the answers of this one are made.
bool StoreThread::State::step() {
    if (!step_) return false;
    if (!std::exchange(step_->ran, true)) {
        run(step_->task, transactions_, endless_slice);
        return true;
    }
    Task done = std::move(step_->task);
    step_.reset();
    busy_ = false;
    put_back_unread(done);
    note(done);
    if (done.committed && !gathered_.empty()) hand_over(next_task());
    finish(std::move(done));
    return true;
}

void StoreThread::State::abandon() {
    open_ = false;
    busy_ = false;
    step_.reset();
    gathered_.clear();
    reads_.clear();
    idle_.clear();
}

void StoreThread::State::note(const Task& task) {
    if (task.group.empty()) return;
    if (task.committed) {
        ++statistics_.commits;
        statistics_.jobs += task.group.size();
    } else {
        ++statistics_.failed_commits;
    }
    statistics_.last_commit_us = task.commit_us;
    statistics_.max_commit_us = std::max(statistics_.max_commit_us, task.commit_us);
    pace_.committed(task.group.size(), gathered_.size(), task.commit_us, task.sync_us);
}

void StoreThread::State::finish(Task task) {
    for (const auto& job : task.group) {
        --waiting_;
        job->finish(task.committed);
    }
    if (!task.group.empty()) pace_.answered(now_us());
    for (const auto& read : task.reads) read->finish();
    if (task.idle && task.idle_has_more) {
        idle_.push_front(std::move(task.idle));
    } else if (task.idle) {
        task.idle->finish();
    }
    if (!gathered_.empty() || !reads_.empty() || !idle_.empty()) at_end_of_turn();
}

void StoreThread::State::stop() {
    if (!open_) return;
    while (busy_ || !gathered_.empty() || !reads_.empty()) {
        if (step_) {
            step();
        } else if (busy_) {
            Task done = *worker_->take(true);
            busy_ = false;
            loop_stays_.reset();
            put_back_unread(done);
            note(done);
            finish(std::move(done));
        } else {
            run_here(next_task());
        }
    }
    open_ = false;
    worker_.reset();
    for (const auto& work : std::exchange(idle_, {})) work->finish();
}

StoreThread::StoreThread(boost::asio::io_context& loop, Transactions& transactions, Placement placement)
    : state_(std::make_shared<State>(loop, transactions, placement)) {
    state_->start();
}

StoreThread::~StoreThread() {
    state_->stop();
}

void StoreThread::submit(std::unique_ptr<CommitJob> job) {
    state_->submit(std::move(job));
}
void StoreThread::read(std::unique_ptr<ReadJob> job) {
    state_->read(std::move(job));
}
void StoreThread::run_idle(std::unique_ptr<IdleWork> work) {
    state_->run_idle(std::move(work));
}
void StoreThread::stop() {
    state_->stop();
}
bool StoreThread::step() {
    return state_->step();
}
bool StoreThread::has_step() const {
    return state_->has_step();
}
void StoreThread::abandon() {
    state_->abandon();
}
std::size_t StoreThread::waiting() const {
    return state_->waiting();
}
const StoreStatistics& StoreThread::statistics() const {
    return state_->statistics();
}

}  // namespace meterbox::platform::store
