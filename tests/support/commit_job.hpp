// A job for the store whose two halves a test gives, and a read.
#pragma once

#include <cstddef>
#include <functional>

#include "platform/store/store_thread.hpp"

namespace meterbox::tests {

class Job final : public platform::store::CommitJob {
public:
    std::function<void()> on_apply = [] {};
    std::function<void(const core::Result<void>&)> on_finish = [](const auto&) {};
    std::size_t events = 1;

    void apply() override { on_apply(); }
    void finish(const core::Result<void>& committed) override { on_finish(committed); }
    std::size_t weight() const override { return events; }
};

class Read final : public platform::store::ReadJob {
public:
    std::function<void()> on_run = [] {};
    std::function<void()> on_finish = [] {};

    void run() override { on_run(); }
    void finish() override { on_finish(); }
};

}  // namespace meterbox::tests
