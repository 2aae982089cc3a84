// What agent and account say about the agent itself, beside usage and leases: POST /v1/renew, and how a
// refused request tells its agent where it stands. A refusal is a problem (RFC 9457) with one member more,
// `standing`; who doesn't know it has the status and the words.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace meterbox::core::wire {

struct RenewRequest {
    std::string request;  // PKCS#10, PEM, for the key that the agent has had
};
struct RenewReply {
    std::string certificate;  // PEM chain, the agent's first
};

std::string to_json(const RenewRequest&);
std::string to_json(const RenewReply&);
[[nodiscard]] Result<RenewRequest> renew_request_from_json(std::string_view);
[[nodiscard]] Result<RenewReply> renew_reply_from_json(std::string_view);

// Why an agent isn't served.
enum class Standing {
    unknown,  // no agent has this certificate
    expired,  // its certificate has ended
    fenced,
    revoked,
    retired,
};
std::string_view name_of(Standing);
std::optional<Standing> standing_from(std::string_view);

struct Refusal {
    Error error;
    std::optional<Standing> standing;  // none: it isn't about who asks
};
std::string refusal_json(const Refusal&);
// The problem's own words; empty: the body is no problem.
struct Problem {
    std::string detail;
    std::optional<Standing> standing;
};
Problem problem_from_json(std::string_view body);

}  // namespace meterbox::core::wire
