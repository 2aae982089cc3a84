// Keeps the usage that is stored in detail to as long as it is set (store.keep_usage): looks at the start and
// every hour, and rolls up in slices between commits. Methods on the loop thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>

#include "account/store.hpp"
#include "platform/store/store_thread.hpp"
#include "platform/system/log.hpp"

namespace meterbox::account {

class UsageRetention {
public:
    // transactions: the thread's, so that nothing is stored after a commit of which nobody knows what it
    // left. on_lost: that happened; the process has to end.
    UsageRetention(boost::asio::io_context& loop, platform::store::StoreThread& thread,
                   platform::store::Transactions& transactions, Store& store, platform::system::Log& log,
                   std::function<void(core::Error)> on_lost);

    void start();
    void stop();

private:
    class Work;

    platform::store::StoreThread& thread_;
    platform::store::Transactions& transactions_;
    Store& store_;
    platform::system::Log& log_;
    std::function<void(core::Error)> on_lost_;
    boost::asio::steady_timer timer_;
};

}  // namespace meterbox::account
