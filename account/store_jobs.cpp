// One request as a commit job.
#include "account/store_jobs.hpp"

namespace meterbox::account {

namespace http = platform::http;

class StoreJobs::Job final : public platform::store::CommitJob {
public:
    Job(StoreJobs& jobs, http::Responder responder, Work work)
        : jobs_(jobs), responder_(std::move(responder)), work_(std::move(work)) {}

    void apply() override {
        Store& store = jobs_.store_;
        outcome_ =
            in_savepoint(store.database(), [&]() -> core::Result<http::Response> { return work_(store); });
    }

    void finish(const core::Result<void>& committed) override {
        if (!committed) {
            responder_.send(committed.error());
            if (leaves_unknown(jobs_.store_.connection().last_fault())) jobs_.on_lost_(committed.error());
        } else if (!outcome_) {
            responder_.send(outcome_.error());
        } else {
            responder_.send(*outcome_);
        }
    }

private:
    StoreJobs& jobs_;
    http::Responder responder_;
    Work work_;
    core::Result<http::Response> outcome_{core::Error{}};
};

void StoreJobs::submit(http::Responder responder, Work work) {
    thread_.submit(std::make_unique<Job>(*this, std::move(responder), std::move(work)));
}

}  // namespace meterbox::account
