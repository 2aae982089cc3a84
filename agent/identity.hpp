// Who this agent is to its account: what enrollment gave it, kept in the state folder. The key is made
// on this machine, stays in a file of mode 0600, and goes nowhere. identity.json is written last: it
// being there means that all of it is.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/certificate_life.hpp"
#include "core/error.hpp"
#include "core/lease_keys.hpp"
#include "core/time.hpp"
#include "core/wire.hpp"

namespace meterbox::agent {

struct Identity {
    std::string agent;
    std::string team;
    std::string account;  // the account's id
    std::string url;      // https://host:port
    core::LeaseKeyLine lease_keys;
    std::string certificate;  // PEM chain
    std::string key;          // PEM
    std::string ca;           // PEM
    std::string key_fingerprint;
    core::CertificateLife life;  // the certificate's
};

// The identity with another certificate. malformed: it is none, or for another key.
[[nodiscard]] core::Result<Identity> with_certificate(Identity identity, const std::string& pem);

class IdentityFiles {
public:
    explicit IdentityFiles(std::filesystem::path folder) : folder_(std::move(folder)) {}

    // none: not enrolled. Error: something is there and can't be used; forbidden: whoever owns the machine
    // has to mend that before anything else. Without needs_ca the account's CA may be missing, and is empty
    // then.
    [[nodiscard]] core::Result<std::optional<Identity>> load(bool needs_ca = true) const;
    // Of an identity that can't be used: what identity.json says, if that much can be read.
    [[nodiscard]] std::optional<Identity> known() const;
    [[nodiscard]] bool has_key() const;         // one that can be read
    [[nodiscard]] std::string missing() const;  // in words: the file that says who this agent is
    // The key that enrollment uses: the one that is there, or a new one.
    [[nodiscard]] core::Result<std::string> key() const;
    [[nodiscard]] core::Result<void> save(const Identity& identity) const;
    // A renewed certificate alone: one file, replaced whole or not at all.
    [[nodiscard]] core::Result<void> save_certificate(const Identity& identity) const;
    // The keys that it follows, and nothing else of it.
    [[nodiscard]] core::Result<void> save_lease_keys(const Identity& identity) const;

private:
    core::Error in_file(const char* name, core::Error error) const;

    std::filesystem::path folder_;
};

}  // namespace meterbox::agent
