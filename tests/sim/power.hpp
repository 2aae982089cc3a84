// Transactions of a machine that can lose its power, or its process, at any moment of them. What the disk
// has after that is what it made durable; nobody hears of the commit. Thrown through the store and the
// loop, up to whoever runs the machine.
#pragma once

#include <functional>

#include "platform/store/store_thread.hpp"
#include "tests/sim/memory_disk.hpp"

namespace meterbox::sim {

struct PowerLost {};

class PoweredTransactions final : public platform::store::Transactions {
public:
    PoweredTransactions(platform::store::Transactions& real, MemoryDisk& disk) : real_(real), disk_(disk) {}

    // The next commit that succeeds is the last thing that this process does.
    void lose_after_commit() { lose_after_commit_ = true; }
    // After each commit that succeeded, its answers yet to come.
    void on_commit(std::function<void()> then) { then_ = std::move(then); }

    core::Result<void> begin() override {
        if (!disk_.powered()) return core::Error{core::ErrorCode::storage, "the power is off", {}, {}};
        return real_.begin();
    }
    core::Result<void> commit() override {
        const auto committed = real_.commit();
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
};

}  // namespace meterbox::sim
