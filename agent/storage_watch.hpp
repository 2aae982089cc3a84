// Keeps the journal's reserve (agent/reserve.hpp): makes it soon after the start, and again when a disk that
// was full has room. Where there is nothing to do it wakes nobody. Loop thread only.
#pragma once

#include <memory>

#include "agent/journal.hpp"
#include "platform/store/store_thread.hpp"
#include "platform/system/log.hpp"
#include "platform/system/timer.hpp"

namespace meterbox::agent {

class StorageWatch {
public:
    StorageWatch(platform::system::Timers& timers, Journal& journal, platform::store::StoreThread& store,
                 platform::system::Log& log);

    void start();
    void stop();
    void disk_is_full();  // there is no reserve, and no room for it

private:
    void look();
    void looked(bool held);

    std::unique_ptr<platform::system::Timer> timer_;
    Journal& journal_;
    platform::store::StoreThread& store_;
    platform::system::Log& log_;
    bool started_ = false;
    bool looking_ = false;
    bool full_ = false;  // and there is no room yet
    std::int64_t retry_ms_ = 0;
};

}  // namespace meterbox::agent
