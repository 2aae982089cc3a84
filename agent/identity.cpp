#include "agent/identity.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "core/json_fields.hpp"
#include "platform/system/files.hpp"
#include "platform/tls/certificate.hpp"
#include "platform/tls/pki.hpp"

namespace meterbox::agent {

namespace system = platform::system;
namespace tls = platform::tls;

namespace {

constexpr std::size_t file_bytes_max = 256 * 1024;
constexpr const char* key_file = "agent.key";
constexpr const char* certificate_file = "agent.crt";
constexpr const char* ca_file = "account-ca.crt";
constexpr const char* identity_file = "identity.json";

std::string identity_json(const Identity& identity) {
    boost::json::array keys;
    for (const auto& [key, until] : identity.lease_keys)
        keys.push_back(boost::json::object{
            {"kid", key.kid}, {"x", key.x}, {"y", key.y}, {"until", core::json_of(until)}});
    boost::json::object json;
    json["agent"] = identity.agent;
    json["team"] = identity.team;
    json["account"] = identity.account;
    json["url"] = identity.url;
    json["lease_keys"] = std::move(keys);
    return boost::json::serialize(json);
}

core::Result<Identity> identity_from_json(const std::string& text) {
    const auto json = core::parse_json(text);
    if (!json) return json.error();
    core::ObjectReader reader(*json, "");
    Identity identity;
    identity.agent = reader.string("agent");
    identity.team = reader.string("team");
    identity.account = reader.string("account");
    identity.url = reader.string("url");
    if (const boost::json::array* keys = reader.array("lease_keys")) {
        for (const boost::json::value& value : *keys) {
            core::ObjectReader key(value, "/lease_keys");
            core::KnownLeaseKey known{{key.string("kid"), key.string("x"), key.string("y")}, {}};
            known.until = core::read_optional_time(key, "until");
            identity.lease_keys.push_back(std::move(known));
            if (!key.ok()) reader.take(key.error());
        }
    }
    if (!reader.ok()) return reader.error();
    return identity;
}

}  // namespace

core::Result<Identity> with_certificate(Identity identity, const std::string& pem) {
    const auto info = tls::certificate_info(pem);
    if (!info) return info.error();
    if (info->key_fingerprint != identity.key_fingerprint) {
        return core::Error{
            core::ErrorCode::malformed, "a certificate for another key than agent.key", {}, {}};
    }
    identity.certificate = pem;
    identity.life = {info->not_before, info->not_after};
    return identity;
}

core::Error IdentityFiles::in_file(const char* name, core::Error error) const {
    error.detail = (folder_ / name).string() + ": " + error.detail;
    return error;
}

// The key first: that others can read it is to be told whatever else is wrong.
core::Result<std::optional<Identity>> IdentityFiles::load(bool needs_ca) const {
    const auto text = system::read_file(folder_ / identity_file, file_bytes_max);
    if (!text && text.error().code == core::ErrorCode::not_found) return std::optional<Identity>{};
    const auto key = system::read_secret(folder_ / key_file, file_bytes_max);
    if (!key) return key.error();
    const auto own = tls::key_fingerprint(*key);
    if (!own) return in_file(key_file, own.error());
    if (!text) return text.error();
    auto identity = identity_from_json(*text);
    if (!identity) return in_file(identity_file, identity.error());
    const auto certificate = system::read_file(folder_ / certificate_file, file_bytes_max);
    if (!certificate) return certificate.error();
    const auto ca = system::read_file(folder_ / ca_file, file_bytes_max);
    if (needs_ca && !ca) return ca.error();
    if (needs_ca) {
        const auto usable = tls::certificate_info(*ca);
        if (!usable) return in_file(ca_file, usable.error());
    }
    identity->key = *key;
    if (ca) identity->ca = *ca;
    identity->key_fingerprint = *own;
    auto whole = with_certificate(std::move(*identity), *certificate);
    if (!whole) return in_file(certificate_file, whole.error());
    return std::optional(std::move(*whole));
}

std::optional<Identity> IdentityFiles::known() const {
    const auto text = system::read_file(folder_ / identity_file, file_bytes_max);
    if (!text) return std::nullopt;
    auto identity = identity_from_json(*text);
    if (!identity) return std::nullopt;
    return std::move(*identity);
}

bool IdentityFiles::has_key() const {
    const auto key = system::read_secret(folder_ / key_file, file_bytes_max);
    return key && tls::key_fingerprint(*key);
}

std::string IdentityFiles::missing() const {
    return (folder_ / identity_file).string() + " is missing";
}

core::Result<std::string> IdentityFiles::key() const {
    auto known = system::read_secret(folder_ / key_file, file_bytes_max);
    if (known || known.error().code != core::ErrorCode::not_found) return known;
    auto made = tls::generate_key();
    if (!made) return made;
    const auto written = system::write_file(folder_ / key_file, *made, 0600);
    if (!written) return written.error();
    return made;
}

core::Result<void> IdentityFiles::save(const Identity& identity) const {
    const auto certificate = save_certificate(identity);
    if (!certificate) return certificate;
    const auto ca = system::write_file(folder_ / ca_file, identity.ca, 0644);
    if (!ca) return ca;
    return system::write_file(folder_ / identity_file, identity_json(identity), 0644);
}

core::Result<void> IdentityFiles::save_lease_keys(const Identity& identity) const {
    return system::write_file(folder_ / identity_file, identity_json(identity), 0644);
}

core::Result<void> IdentityFiles::save_certificate(const Identity& identity) const {
    return system::write_file(folder_ / certificate_file, identity.certificate, 0644);
}

}  // namespace meterbox::agent
