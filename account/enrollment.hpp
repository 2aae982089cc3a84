// How an agent comes to belong to a team: a one-time token, of which only a hash is kept, and a
// certificate for the key that the agent made. The same token with the same key gives the same answer
// until the token's end, so that a lost answer burns nothing. A key that is known already, of an agent of the
// token's team, makes no second agent: that one gets a certificate again.
#pragma once

#include <cstdint>
#include <string>

#include "account/store.hpp"
#include "core/error.hpp"
#include "core/wire.hpp"

namespace meterbox::account {

inline constexpr std::int64_t token_ttl_max_ms = 30 * core::day_ms;

// mbt1.SECRET.FINGERPRINT: the last part is the CA's, so that an agent needs no file to know its account.
[[nodiscard]] core::Result<std::string> make_enrollment_token(Store& store, const std::string& team,
                                                              std::int64_t ttl_ms);

// forbidden: the token is unknown, expired, or was used with another key; the key is that of an agent of
// another team, or of one that is revoked or retired. malformed, invalid: the request.
[[nodiscard]] core::Result<core::wire::EnrollReply> enroll(Store& store,
                                                           const core::wire::EnrollRequest& request);

}  // namespace meterbox::account
