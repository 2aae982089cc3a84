#include "agent/account_refusal.hpp"

#include <string>

namespace meterbox::agent {

core::wire::Refusal refusal_of(const platform::Answer& answer) {
    core::wire::Problem problem = core::wire::problem_from_json(answer.body);
    std::string detail = "the account answered " + std::to_string(answer.status);
    if (!problem.detail.empty()) detail += ": " + problem.detail;
    const bool about_us = answer.status == 401 || answer.status == 403;
    const auto code = about_us ? core::ErrorCode::forbidden : core::ErrorCode::unreachable;
    return {{code, std::move(detail), {}, {}}, problem.standing};
}

}  // namespace meterbox::agent
