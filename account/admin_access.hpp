// Who may read what on the admin port: the operator's token (admin.token) and tokens without a team read
// everything, a team's tokens that team alone. A cookie stands for the token that signed in, for 12 hours and
// no longer than that one. Secrets are kept and looked up as hashes, so that none is compared byte by byte;
// one of a cookie is no bearer token and the other way round.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "account/store.hpp"
#include "core/error.hpp"

namespace meterbox::account {

// What a request came with, without the secret itself.
struct Credential {
    std::string hash;
    bool operators = false;  // the token of admin.token
};
Credential bearer_credential(std::string_view token, std::string_view operators_token);
Credential cookie_credential(std::string_view cookie);

struct Access {
    std::optional<std::string> team;          // none: all teams
    std::optional<core::UtcTime> expires_at;  // none: never
    bool covers(std::string_view other) const { return !team || *team == other; }
};

// unauthenticated: unknown or expired.
[[nodiscard]] core::Result<Access> access_of(Store& store, const Credential& credential);

struct SignedIn {
    std::string cookie;
    Access access;
};
SignedIn sign_in(Store& store, const Access& access);
void sign_out(Store& store, const Credential& cookie);

}  // namespace meterbox::account
