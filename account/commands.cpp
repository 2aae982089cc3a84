// What all commands share, and those of the store itself: CA and admin tokens.
#include "account/commands.hpp"

#include <boost/json.hpp>
#include <chrono>

#include "account/exchange.hpp"
#include "core/resource.hpp"
#include "core/text.hpp"
#include "platform/tls/encoding.hpp"
#include "platform/tls/pki.hpp"
#include "platform/zones/time_zone.hpp"

namespace meterbox::account {

namespace {

constexpr std::size_t name_bytes_max = 128;
constexpr std::int64_t admin_token_ttl_max_ms = 3'660 * core::day_ms;

}  // namespace

Outcome failed(std::string what) {
    return {exit_failed, {}, std::move(what)};
}
Outcome wrong_usage(std::string what) {
    return {exit_usage, {}, std::move(what)};
}

Outcome from_error(const core::Error& error) {
    const bool away = error.code == core::ErrorCode::unreachable;
    return {away ? exit_unreachable : exit_failed, {}, error.detail};
}

bool is_name(const std::string& text) {
    return !text.empty() && text.size() <= name_bytes_max && core::is_line(text);
}
Outcome wrong_name() {
    return wrong_usage("--name: 1 to 128 bytes of UTF-8 text in one line");
}

bool team_exists(Store& store, const std::string& team) {
    return store.database().number("SELECT count(*) FROM team WHERE key = ?", team) != 0;
}

Outcome wrong_key(std::string_view what, const std::string& key) {
    return wrong_usage(std::string(what) + " " + key + ": it must fit [a-z0-9][a-z0-9._-]{0,62}");
}

// What can't be added isn't said to be missing.
Outcome no_such_team(const std::string& team) {
    if (!core::is_key(team)) return wrong_key("TEAM", team);
    return failed("no team " + team + ": make it with `meterbox-account team add " + team + "`");
}

std::string as_of_line(core::UtcTime now) {
    return "as of " + core::format_rfc3339(now) + "\n";
}

Outcome no_such_resource(const std::string& key) {
    if (!core::is_key(key)) return wrong_key("resource", key);
    return failed("no resource " + key + ": `meterbox-account resource list` shows those there are");
}

std::optional<core::UtcTime> parse_time(const std::string& text, const std::string& zone) {
    if (const auto time = core::parse_rfc3339(text)) return time;
    const auto date = core::parse_date(text);
    const auto calendar = platform::zones::TimeZone::find(zone);
    if (!date || !calendar) return std::nullopt;
    return calendar->first_instant(*date);
}

Outcome show_ca(Store& store, bool json) {
    const std::string& pem = store.authority().certificate;
    if (!json) return {exit_done, pem, {}};
    boost::json::object object;
    object["certificate"] = pem;
    if (const auto hash = platform::tls::certificate_fingerprint(pem)) {
        object["fingerprint"] = platform::tls::hex_encode(platform::tls::bytes_of(*hash));
    }
    return {exit_done, boost::json::serialize(object) + "\n", {}};
}

Outcome admin_token(Store& store, const std::string& team, const std::string& ttl, bool json) {
    const auto ttl_ms = core::parse_short_duration_ms(ttl);
    if (!ttl_ms || *ttl_ms <= 0 || *ttl_ms > admin_token_ttl_max_ms) {
        return wrong_usage("--ttl " + ttl + ": a duration like 30d or 12h is needed");
    }
    if (!team.empty() && !team_exists(store, team)) return no_such_team(team);
    const std::string token = random_token(store.random());
    store.database().run(
        "INSERT INTO admin_token (token_hash, team, created_at, expires_at) VALUES (?, ?, ?, ?)",
        platform::tls::hex_encode(platform::tls::bytes_of(platform::tls::sha256(token))),
        team.empty() ? std::nullopt : std::optional(team), store.now(), store.now() + *ttl_ms);
    if (!json) return {exit_done, token + "\n", {}};
    boost::json::object object;
    object["token"] = token;
    object["expires_at"] = core::format_rfc3339(store.now() + *ttl_ms);
    return {exit_done, boost::json::serialize(object) + "\n", {}};
}

}  // namespace meterbox::account
