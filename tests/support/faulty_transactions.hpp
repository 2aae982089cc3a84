// Transactions that fail when told to: the Nth call of begin or commit, counted from 1 over both,
// answers with an error. Everything else goes to the real ones, or succeeds when there are none.
#pragma once

#include <atomic>

#include "platform/store/store_thread.hpp"

namespace meterbox::tests {

class FaultyTransactions final : public platform::store::Transactions {
public:
    explicit FaultyTransactions(platform::store::Transactions* real = nullptr) : real_(real) {}

    void fail_call(int number) { failing_ = number; }
    // Commits wait until they are let go: for a store that makes them on its own thread.
    void hold() { held_ = true; }
    void let_go() {
        held_ = false;
        held_.notify_all();
    }
    // A commit that fails may be tried again, once.
    void allow_repeat() { repeat_ = true; }
    int calls() const { return calls_; }
    int begun() const { return begun_; }
    int committed() const { return committed_; }
    int rolled_back() const { return rolled_back_; }

    core::Result<void> begin() override {
        if (fails()) return core::Error{core::ErrorCode::storage, "begin failed as told", {}, {}};
        ++begun_;
        return real_ ? real_->begin() : core::Result<void>();
    }
    core::Result<void> commit() override {
        held_.wait(true);
        if (fails()) return core::Error{core::ErrorCode::storage, "commit failed as told", {}, {}};
        ++committed_;
        return real_ ? real_->commit() : core::Result<void>();
    }
    bool may_repeat() const override { return repeat_ && committed_ == 0; }
    void rollback() noexcept override {
        ++rolled_back_;
        if (real_) real_->rollback();
    }

private:
    bool fails() { return ++calls_ == failing_; }

    platform::store::Transactions* real_;
    std::atomic<bool> held_ = false;
    int failing_ = 0;
    bool repeat_ = false;
    int calls_ = 0;
    int begun_ = 0;
    int committed_ = 0;
    int rolled_back_ = 0;
};

}  // namespace meterbox::tests
