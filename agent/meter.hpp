// Reports of usage that has happened: from parsed events to an answer after the commit. The heart of
// the products' API. Loop thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "agent/agent_time.hpp"
#include "agent/balances.hpp"
#include "agent/journal.hpp"
#include "core/cloud_event.hpp"
#include "core/error.hpp"
#include "platform/store/store_thread.hpp"
#include "platform/system/identity_hash.hpp"

namespace meterbox::agent {

class Meter {
public:
    using Done = std::function<void(core::Result<ReportOutcome>)>;
    // The commit's ledgers, before `done` is called.
    using Published = std::function<void(const std::vector<std::string>& resources)>;

    Meter(AgentTime& time, Journal& journal, platform::store::StoreThread& store, Balances& balances,
          platform::system::IdentityHasher hasher, Published published);

    // Nothing more is taken, whatever for: the agent has said its last word to the account.
    void close() { closed_ = true; }
    bool closed() const { return closed_; }
    static core::Error refusal_when_closed();  // with the cure

    // All of the events or none. `done` is called after the commit that holds them, or with what was
    // refused; index names the event.
    void report(std::vector<core::UsageEvent> events, std::uint32_t uid, Done done);

    std::uint64_t duplicates() const { return duplicates_; }

private:
    core::Result<core::UtcTime> time_of(const core::UsageEvent& event, std::size_t index,
                                        core::UtcTime now) const;

    AgentTime& time_;
    Journal& journal_;
    platform::store::StoreThread& store_;
    Balances& balances_;
    platform::system::IdentityHasher hasher_;
    Published published_;
    std::uint64_t duplicates_ = 0;
    bool closed_ = false;
};

}  // namespace meterbox::agent
