// The table admin_token: tokens, and cookies under a hash of their own.
#include "account/admin_access.hpp"

#include <algorithm>

#include "account/exchange.hpp"
#include "core/account_limits.hpp"
#include "platform/tls/encoding.hpp"

namespace meterbox::account {

namespace tls = platform::tls;

namespace {

// The same time whatever differs.
bool same_secret(std::string_view a, std::string_view b) {
    const auto hash_a = tls::sha256(a);
    const auto hash_b = tls::sha256(b);
    unsigned differing = 0;
    for (std::size_t i = 0; i < hash_a.size(); ++i) differing |= static_cast<unsigned>(hash_a[i] ^ hash_b[i]);
    return differing == 0;
}

std::string hash_of(std::string_view secret) {
    return tls::hex_encode(tls::bytes_of(tls::sha256(secret)));
}

}  // namespace

Credential bearer_credential(std::string_view token, std::string_view operators_token) {
    return {hash_of(token), same_secret(token, operators_token)};
}

Credential cookie_credential(std::string_view cookie) {
    return {hash_of("cookie " + std::string(cookie)), false};
}

core::Result<Access> access_of(Store& store, const Credential& credential) {
    if (credential.operators) return Access{};
    const auto found = store.database().first(
        "SELECT team, expires_at FROM admin_token WHERE token_hash = ? AND expires_at > ?",
        [](auto& row) {
            Access access{std::nullopt, core::UtcTime{row.integer(1)}};
            if (!row.is_null(0)) access.team = row.string(0);
            return access;
        },
        credential.hash, store.now());
    if (found) return *found;
    return core::Error{core::ErrorCode::unauthenticated,
                       "the token is unknown or expired: `meterbox-account admin token` makes one",
                       std::nullopt,
                       {}};
}

SignedIn sign_in(Store& store, const Access& access) {
    SignedIn made{random_token(store.random()), access};
    const core::UtcTime end = store.now() + core::limits::admin_cookie_ms;
    made.access.expires_at = access.expires_at ? std::min(*access.expires_at, end) : end;
    store.database().run("DELETE FROM admin_token WHERE expires_at <= ?", store.now());
    store.database().run(
        "INSERT INTO admin_token (token_hash, team, created_at, expires_at) VALUES (?, ?, ?, ?)",
        cookie_credential(made.cookie).hash, access.team, store.now(), made.access.expires_at);
    return made;
}

void sign_out(Store& store, const Credential& cookie) {
    store.database().run("DELETE FROM admin_token WHERE token_hash = ?", cookie.hash);
}

}  // namespace meterbox::account
