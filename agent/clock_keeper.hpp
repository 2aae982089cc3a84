// Keeps the trusted clock in the journal: with this start's first commit, so that what follows is known to
// be of this boot, and hourly, when nothing else is stored. Loop thread only.
#pragma once

#include <memory>

#include "agent/agent_time.hpp"
#include "agent/journal.hpp"
#include "platform/store/store_thread.hpp"
#include "platform/system/timer.hpp"

namespace meterbox::agent {

class ClockKeeper {
public:
    ClockKeeper(platform::system::Timers& timers, const AgentTime& time, Journal& journal,
                platform::store::StoreThread& store);

    void start();
    void stop() { timer_->cancel(); }

private:
    void keep();

    std::unique_ptr<platform::system::Timer> timer_;
    const AgentTime& time_;
    Journal& journal_;
    platform::store::StoreThread& store_;
};

}  // namespace meterbox::agent
