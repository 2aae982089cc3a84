#include "account/keys.hpp"

#include <algorithm>
#include <array>

#include "core/assert.hpp"
#include "core/certificate_life.hpp"
#include "core/lease_keys.hpp"
#include "core/limits.hpp"
#include "platform/tls/certificate.hpp"
#include "platform/tls/pki.hpp"

namespace meterbox::account {

using core::Result;
namespace system = platform::system;
namespace tls = platform::tls;

namespace {

constexpr const char* first_lease_key = "lease.key";

bool is_missing(const core::Error& error) {
    return error.code == core::ErrorCode::not_found;
}

// A key that is kept, or a new one that is from now on.
Result<std::string> load_or_make_key(KeptFiles& files, const std::string& name) {
    auto kept = files.read(name);
    if (kept || !is_missing(kept.error())) return kept;
    auto made = tls::generate_key();
    if (!made) return made;
    if (const auto written = files.write(name, *made); !written) return written.error();
    return made;
}

Result<core::wire::LeaseKey> public_half(const std::string& key) {
    auto half = tls::verification_key(key, "");
    if (!half) return half.error();
    return core::wire::LeaseKey{tls::thumbprint(*half), half->x, half->y};
}

bool still_good(const std::string& pem, const Authority& authority, const std::vector<std::string>& names,
                core::UtcTime now) {
    const auto chain = tls::split_chain(pem);
    const auto info = tls::certificate_info(pem);
    if (!chain || chain->size() < 2 || !info) return false;
    const auto issuer = tls::certificate_fingerprint(chain->back());
    const auto ours = tls::certificate_fingerprint(authority.certificate);
    if (!issuer || !ours || *issuer != *ours) return false;
    if (info->not_before > now) return false;  // made while the clock was ahead
    if (core::CertificateLife{info->not_before, info->not_after}.renewal_due(now)) return false;
    return std::ranges::all_of(names, [&](const std::string& name) {
        return std::ranges::find(info->subject_names, name) != info->subject_names.end();
    });
}

}  // namespace

Result<Authority> load_or_make_authority(KeptFiles& files, core::UtcTime now) {
    auto key = load_or_make_key(files, "ca.key");
    if (!key) return key.error();
    auto certificate = files.read("ca.crt");
    if (certificate) return Authority{*certificate, *key};
    if (!is_missing(certificate.error())) return certificate.error();

    certificate = tls::make_ca(*key, "meterbox account CA", now + -core::limits::certificate_backdate_ms);
    if (!certificate) return certificate.error();
    if (const auto written = files.write("ca.crt", *certificate); !written) return written.error();
    return Authority{*certificate, *key};
}

Result<core::wire::LeaseKey> LeaseKeySigner::first() {
    const auto key = load_or_make_key(files_, first_lease_key);
    if (!key) return key.error();
    return public_half(*key);
}

Result<core::wire::LeaseKey> LeaseKeySigner::next(core::UtcTime now) {
    const auto key = tls::generate_key();
    if (!key) return key.error();
    auto made = public_half(*key);
    if (!made) return made;
    auto vouched = sign(core::succession_to_json(*made, now));
    if (!vouched) return vouched.error();
    made->vouched = std::move(*vouched);
    const auto written = files_.write("lease-" + made->kid + ".key", *key);
    if (!written) return written.error();
    return made;
}

Result<std::string> LeaseKeySigner::newest_kid() const {
    auto kid = database_.first("SELECT kid FROM lease_key ORDER BY number DESC LIMIT 1",
                               [](auto& row) { return row.string(0); });
    if (database_.failed()) return database_.error();
    METERBOX_ASSERT(kid.has_value());
    return std::move(*kid);
}

Result<tls::JwsSigner> LeaseKeySigner::key_of(const std::string& kid) const {
    const auto known = keys_.find(kid);
    if (known != keys_.end()) return known->second;
    for (const std::string& name : {"lease-" + kid + ".key", std::string(first_lease_key)}) {
        const auto key = files_.read(name);
        if (!key && is_missing(key.error())) continue;
        if (!key) return key.error();
        const auto half = public_half(*key);
        if (!half) return half.error();
        if (half->kid != kid) continue;
        auto signer = tls::JwsSigner::with(*key, kid);
        if (!signer) return signer.error();
        return keys_.emplace(kid, std::move(*signer)).first->second;
    }
    return core::Error{core::ErrorCode::internal,
                       "the key that signs leases is missing: put lease-" + kid +
                           ".key (or lease.key) back into " + files_.place(),
                       std::nullopt,
                       {}};
}

Result<std::string> LeaseKeySigner::sign(std::string_view claims) const {
    const auto kid = newest_kid();
    if (!kid) return kid.error();
    const auto key = key_of(*kid);
    if (!key) return key.error();
    return key->sign(claims);
}

Result<std::string> LeaseKeySigner::claims_of(std::string_view lease,
                                              const std::vector<core::wire::LeaseKey>& keys) const {
    std::vector<tls::VerificationKey> known;
    for (const core::wire::LeaseKey& key : keys) known.push_back({key.kid, key.x, key.y});
    return tls::verify_jws(lease, known);
}

Result<ServerIdentity> load_or_make_server_identity(KeptFiles& files, const Authority& authority,
                                                    const std::vector<std::string>& names,
                                                    core::UtcTime now) {
    auto certificate = files.read("server.crt");
    auto key = files.read("server.key");
    if (certificate && key && still_good(*certificate, authority, names, now)) {
        const auto info = tls::certificate_info(*certificate);
        const auto fingerprint = tls::key_fingerprint(*key);
        if (fingerprint && info->key_fingerprint == *fingerprint) return ServerIdentity{*certificate, *key};
    }
    if (!key && !is_missing(key.error())) return key.error();

    auto made = tls::issue_server_certificate(authority.certificate, authority.key, names,
                                              now + -core::limits::certificate_backdate_ms,
                                              now + core::limits::certificate_lifetime_ms);
    if (!made) return made.error();
    if (const auto written = files.write("server.key", made->key); !written) return written.error();
    if (const auto written = files.write("server.crt", made->certificate); !written) return written.error();
    return ServerIdentity{made->certificate, made->key};
}

Result<std::string> load_or_make_admin_token(KeptFiles& files, system::Random& random) {
    auto kept = files.read("admin.token");
    if (kept) {
        while (!kept->empty() && (kept->back() == '\n' || kept->back() == '\r')) kept->pop_back();
        return kept;
    }
    if (!is_missing(kept.error())) return kept;
    std::string token = random_token(random);
    if (const auto written = files.write("admin.token", token + "\n"); !written) return written.error();
    return token;
}

std::string random_token(system::Random& random) {
    std::array<std::byte, 32> bytes{};
    random.fill(bytes);
    return tls::base64url_encode({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace meterbox::account
