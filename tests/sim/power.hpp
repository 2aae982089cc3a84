// Transactions of a machine that can lose its power, or its process, at any moment of them. What the disk
// has after that is what it made durable; nobody hears of the commit. Thrown through the store and the
// loop, up to whoever runs the machine.
#pragma once

#include <functional>
#include <utility>

#include "platform/store/store_thread.hpp"
#include "tests/sim/memory_disk.hpp"

namespace meterbox::sim {

struct PowerLost {};

class PoweredTransactions final : public platform::store::Transactions {
public:
    PoweredTransactions(platform::store::Transactions& real, MemoryDisk& disk) : real_(real), disk_(disk) {}

    // The next commit that succeeds is the last thing that this process does.
    void lose_after_commit() { lose_after_commit_ = true; }
    // The disk fails at the call of that number of the next commit.
    void fail_in_commit(std::uint64_t call) { failing_call_ = call; }
    // What of these hasn't come to pass never does.
    void lose_nothing() {
        lose_after_commit_ = false;
        failing_call_ = 0;
    }
    // After each commit that succeeded, its answers yet to come.
    void on_commit(std::function<void()> then) { then_ = std::move(then); }

    core::Result<void> begin() override {
        if (!disk_.powered()) return core::Error{core::ErrorCode::storage, "the power is off", {}, {}};
        return real_.begin();
    }
    core::Result<void> commit() override {
        if (failing_call_ > 0)
            disk_.fail_call(disk_.calls() + std::exchange(failing_call_, 0), FileFault::error, false);
        const auto committed = real_.commit();
        disk_.fail_call(0, FileFault::none, false);
        if (committed && lose_after_commit_) disk_.lose_power();
        if (!disk_.powered()) throw PowerLost();
        if (committed && then_) then_();
        return committed;
    }
    void rollback() noexcept override {
        if (disk_.powered()) real_.rollback();
    }

private:
    platform::store::Transactions& real_;
    MemoryDisk& disk_;
    std::function<void()> then_;
    bool lose_after_commit_ = false;
    std::uint64_t failing_call_ = 0;
};

}  // namespace meterbox::sim
