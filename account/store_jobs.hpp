// From a request to its answer through the store: the job runs inside the transaction of its group,
// and its answer leaves after the commit (I8). All methods on the loop thread; the work itself on the
// store's side, where the Store alone may be touched.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "account/store.hpp"
#include "platform/http/response.hpp"
#include "platform/http/server.hpp"
#include "platform/store/store_thread.hpp"

namespace meterbox::account {

class StoreJobs {
public:
    using Work = std::function<platform::http::Response(Store&)>;

    // on_lost: a commit failed such that nobody knows what is stored; the process has to end.
    StoreJobs(platform::store::StoreThread& thread, Store& store, std::function<void(core::Error)> on_lost)
        : thread_(thread), store_(store), on_lost_(std::move(on_lost)) {}

    // asker: whose request it is, where that one asks much the same each time; empty: nobody's.
    void submit(platform::http::Responder responder, Work work, std::string asker = {});

    // What only reads and takes long: called again and again, in slices between commits and outside of any
    // transaction, until it gives an answer. `over` says that the slice is. What is asked for so is
    // answered one after the other.
    using LongWork =
        std::function<std::optional<platform::http::Response>(Store&, const std::function<bool()>& over)>;
    const platform::store::StoreStatistics& statistics() const { return thread_.statistics(); }
    void submit_long(platform::http::Responder responder, LongWork work);

private:
    class Job;
    class LongJob;

    platform::store::StoreThread& thread_;
    Store& store_;
    std::function<void(core::Error)> on_lost_;
};

}  // namespace meterbox::account
