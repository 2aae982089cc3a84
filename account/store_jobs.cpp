// One request as a commit job.
#include "account/store_jobs.hpp"

#include <optional>

namespace meterbox::account {

namespace http = platform::http;

class StoreJobs::Job final : public platform::store::CommitJob {
public:
    Job(StoreJobs& jobs, http::Responder responder, Work work, std::string asker)
        : jobs_(jobs), responder_(std::move(responder)), work_(std::move(work)), asker_(std::move(asker)) {}

    void announce() override {
        if (!asker_.empty()) jobs_.store_.connection().expect(asker_);
    }

    void apply() override {
        Store& store = jobs_.store_;
        store.connection().asked_by(asker_);
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
    std::string asker_;
    core::Result<http::Response> outcome_{core::Error{}};
};

class StoreJobs::LongJob final : public platform::store::IdleWork {
public:
    LongJob(StoreJobs& jobs, http::Responder responder, LongWork work)
        : jobs_(jobs), responder_(std::move(responder)), work_(std::move(work)) {}

    bool run(const platform::store::Slice& slice) override {
        Store& store = jobs_.store_;
        store.database().forgive();
        const auto reading = store.connection().begin_reading();
        if (!reading) {
            answer_ = http::problem(reading.error());
            return false;
        }
        answer_ = work_(store, [&slice] { return slice.over(); });
        store.connection().end_reading();
        if (store.database().failed()) answer_ = http::problem(store.database().error());
        store.database().forgive();
        return !answer_;
    }

    void finish() override {
        if (answer_) return responder_.send(*answer_);
        responder_.send(
            core::Error{core::ErrorCode::unreachable, "the service stops: ask again", std::nullopt, {}});
    }

private:
    StoreJobs& jobs_;
    http::Responder responder_;
    LongWork work_;
    std::optional<http::Response> answer_;
};

void StoreJobs::submit(http::Responder responder, Work work, std::string asker) {
    thread_.submit(std::make_unique<Job>(*this, std::move(responder), std::move(work), std::move(asker)));
}

void StoreJobs::submit_long(http::Responder responder, LongWork work) {
    thread_.run_idle(std::make_unique<LongJob>(*this, std::move(responder), std::move(work)));
}

}  // namespace meterbox::account
