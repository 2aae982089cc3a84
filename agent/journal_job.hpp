// A commit job from two functions: what to do in the transaction, and what to do on the loop when
// its fate is known. The first one's value is handed to the second.
#pragma once

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "platform/store/store_thread.hpp"

namespace meterbox::agent {

template <class Apply, class Finish>
class JournalJob final : public platform::store::CommitJob {
public:
    using Value = std::invoke_result_t<Apply&>;

    JournalJob(Apply apply, Finish finish, std::size_t weight)
        : apply_(std::move(apply)), finish_(std::move(finish)), weight_(weight) {}

    void apply() override { value_.emplace(apply_()); }
    void finish(const core::Result<void>& committed) override { finish_(committed, std::move(value_)); }
    std::size_t weight() const override { return weight_; }

private:
    Apply apply_;
    Finish finish_;
    std::size_t weight_;
    std::optional<Value> value_;
};

// apply() -> Value, not void, inside the transaction. finish(const Result<void>&, optional<Value>&&) on
// the loop; the value is there whenever apply() ran, but counts only if the commit succeeded.
template <class Apply, class Finish>
std::unique_ptr<platform::store::CommitJob> journal_job(Apply apply, Finish finish, std::size_t weight = 1) {
    return std::make_unique<JournalJob<Apply, Finish>>(std::move(apply), std::move(finish), weight);
}

template <class Read, class Finish>
class JournalRead final : public platform::store::ReadJob {
public:
    JournalRead(Read read, Finish finish) : read_(std::move(read)), finish_(std::move(finish)) {}
    void run() override { value_.emplace(read_()); }
    void finish() override { finish_(std::move(value_)); }

private:
    Read read_;
    Finish finish_;
    std::optional<std::invoke_result_t<Read&>> value_;
};

// finish(optional<Value>&&): empty only when the store stopped before the read.
template <class Read, class Finish>
std::unique_ptr<platform::store::ReadJob> journal_read(Read read, Finish finish) {
    return std::make_unique<JournalRead<Read, Finish>>(std::move(read), std::move(finish));
}

}  // namespace meterbox::agent
