// A job for the store whose two halves a test gives.
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

}  // namespace meterbox::tests
