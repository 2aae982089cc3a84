#include "agent/verification.hpp"

#include <utility>

namespace meterbox::agent {

Verification::Verification(Journal& journal, AgentView::Verified done)
    : journal_(journal), done_(std::move(done)) {}

bool Verification::run(const platform::store::Slice& slice) {
    if (!check_) check_.emplace(journal_.connection());
    const auto more = check_->go_on([&slice] { return slice.over(); });
    if (more && *more) return true;
    outcome_ = more ? check_->finish(journal_.chain().head()) : more.error();
    check_.reset();  // here, where the database is ours
    return false;
}

void Verification::finish() {
    const core::Error stopping{core::ErrorCode::storage, "the agent is stopping; try again", {}, {}};
    done_(outcome_ ? *std::move(outcome_) : stopping);
}

}  // namespace meterbox::agent
