// A lease: the units that the account has set aside for one agent, tranche by tranche in draw
// order, so that the agent can decide alone while it is offline. Granted counts (G) are totals
// since the incarnation began, never deltas: a lease that is lost, repeated or late does no harm.
//
// On the wire a lease is a JWS (RFC 7515, compact, ES256) whose payload is the JSON of these
// members; its signature is checked in platform/jws, its fit to this agent here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/quantity.hpp"
#include "core/resource.hpp"
#include "core/time.hpp"

namespace meterbox::core {

struct LeaseTranche {
    std::string tranche;  // the account's id
    Tier tier = Tier::free;
    Units granted;  // G, a total
    UtcTime valid_from;
    std::optional<UtcTime> ends_at;  // exclusive; none: no end
    bool final = false;              // the pool has no more after this (protocol, Sizing)
    bool payg_capped = false;
    bool payg_open = false;
    friend bool operator==(const LeaseTranche&, const LeaseTranche&) = default;
};

struct LeaseResource {
    std::string key;
    Amount unit_size{1};
    Enforcement enforcement = Enforcement::hard;
    std::vector<LeaseTranche> tranches;  // in draw order
    friend bool operator==(const LeaseResource&, const LeaseResource&) = default;
};

struct LeasePolicy {
    std::int64_t offline_horizon_ms = 0;
    int low_percent = 20;
    friend bool operator==(const LeasePolicy&, const LeasePolicy&) = default;
};

struct Lease {
    std::string account;  // the account's id
    std::int64_t epoch = 1;
    std::string team;
    std::string agent;
    std::string key_fingerprint;  // SHA-256 of the agent's public key (SPKI, DER), lower-case hex
    std::int64_t incarnation = 1;
    std::string session_nonce;  // the nonce of the hello that this lease answers
    std::int64_t number = 0;    // rises with every lease of the incarnation
    UtcTime issued_at;
    UtcTime spend_until;
    std::vector<LeaseResource> resources;
    std::vector<UtcTime> cycle_boundaries;  // the next three; empty while the account knows no cycles
    LeasePolicy policy;
    friend bool operator==(const Lease&, const Lease&) = default;
};

// What an agent knows of itself when it judges a lease (I13).
struct LeaseExpectation {
    std::string agent;
    std::int64_t incarnation = 1;
    std::int64_t epoch = 1;
    std::string session_nonce;
    std::int64_t newest_number = 0;  // of the lease in force
};

// Ok if agent, incarnation, epoch and session nonce fit and the number is newer; else forbidden,
// with the member that doesn't fit in the detail. A number not newer is conflict: an old lease,
// harmless, to be ignored.
[[nodiscard]] Result<void> admit(const Lease& lease, const LeaseExpectation& expected);

// The claims as JSON, and back. Unknown members are ignored; a missing, ill-typed or out-of-range
// one (G negative, unit_size < 1, ends_at before valid_from) is malformed with its pointer.
std::string lease_to_json(const Lease& lease);
[[nodiscard]] Result<Lease> lease_from_json(std::string_view json);

}  // namespace meterbox::core
