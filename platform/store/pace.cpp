#include "platform/store/pace.hpp"

#include <algorithm>

#include "core/limits.hpp"

namespace meterbox::platform::store {
namespace {

constexpr int credit_max = 8;
constexpr int miss_costs = 2;
constexpr int groups_before_next_try = 32;

std::int64_t moved(std::int64_t mean, std::int64_t value) {
    return mean + (value - mean) / 8;
}

}  // namespace

void Pace::committed(std::size_t jobs, std::size_t gathered, std::int64_t commit_us, std::int64_t sync_us) {
    usual_commit_us_ = moved(usual_commit_us_, commit_us);
    usual_sync_us_ = moved(usual_sync_us_, sync_us);
    answered_ = jobs;
    already_ = gathered;
    expected_ = jobs + gathered;
    waiting_ = credit_ > 0 || ++left_out_ >= groups_before_next_try;
    if (waiting_) left_out_ = 0;
}

void Pace::answered(std::int64_t now_us) {
    until_us_ = now_us + std::min(usual_sync_us_, core::limits::gather_us_max);
}

bool Pace::waits(std::size_t gathered, std::int64_t now_us) {
    if (!waiting_) return false;
    if (gathered < expected_ && now_us < until_us_) return true;
    waiting_ = false;
    // Half of those answered is worth a sync saved.
    learn(gathered >= expected_ || (gathered - std::min(gathered, already_)) * 2 >= answered_);
    return false;
}

bool Pace::in_place(std::size_t jobs) const {
    return jobs >= expected_ && usual_commit_us_ < core::limits::inline_commit_us_max;
}

void Pace::learn(bool paid) {
    credit_ = paid ? std::min(credit_ + 1, credit_max) : std::max(credit_ - miss_costs, 0);
}

}  // namespace meterbox::platform::store
