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

core::Error other_version(const core::wire::HelloReply& reply) {
    const core::wire::ProtocolRange ours;
    const auto range = [](int min, int max) {
        return min == max ? std::to_string(min) : std::to_string(min) + " to " + std::to_string(max);
    };
    const bool we_are_behind = reply.protocol_min > ours.max;
    return {core::ErrorCode::forbidden,
            "the account speaks protocol " + range(reply.protocol_min, reply.protocol_max) +
                ", this agent (meterboxd " METERBOX_VERSION ") " + range(ours.min, ours.max) +
                (we_are_behind ? ": install a newer meterboxd here"
                               : ": the account has to be upgraded; until then an older meterboxd works"),
            {},
            {}};
}

}  // namespace meterbox::agent
