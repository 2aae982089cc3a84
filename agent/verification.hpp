// `meterbox verify` as idle work of the store: the chain is checked in slices between commits; what is
// committed meanwhile is checked as well.
#pragma once

#include <optional>

#include "agent/agent_view.hpp"
#include "agent/chain_check.hpp"
#include "agent/journal.hpp"
#include "platform/store/store_thread.hpp"

namespace meterbox::agent {

class Verification final : public platform::store::IdleWork {
public:
    // The journal must outlive it. done: once, on the loop.
    Verification(Journal& journal, AgentView::Verified done);

    bool run(const platform::store::Slice& slice) override;
    void finish() override;

private:
    Journal& journal_;
    std::optional<ChainCheck> check_;
    AgentView::Verified done_;
    std::optional<core::Result<ChainReport>> outcome_;
};

}  // namespace meterbox::agent
