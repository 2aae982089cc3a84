// What agent and account say to each other (docs/PROTOCOL.md): the bodies of POST /v1/enroll,
// /v1/hello and /v1/sync as values, and their JSON. All counters are totals of one incarnation;
// each side keeps the maximum of what it saw, so that lost, repeated and reordered messages do no
// harm. Members that this version has no use for yet are there, empty, 0 or null.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/card.hpp"
#include "core/error.hpp"
#include "core/lease.hpp"
#include "core/quantity.hpp"
#include "core/resource.hpp"
#include "core/time.hpp"

namespace meterbox::core::wire {

inline constexpr int protocol_min = 1;
inline constexpr int protocol_max = 1;

// Which versions somebody speaks, before anything else of a message is looked at: another version may have
// changed all the rest.
struct ProtocolRange {
    int min = protocol_min;
    int max = protocol_max;
    bool meets(ProtocolRange other) const { return min <= other.max && other.min <= max; }
};
[[nodiscard]] Result<ProtocolRange> protocol_range_from_json(std::string_view hello);

// A public key of the account's lease signer, as in a JWKS (RFC 7517): EC, P-256, x and y base64url.
struct LeaseKey {
    std::string kid;
    std::string x;
    std::string y;
    std::string vouched = {};  // a JWS by the key before it, over succession_to_json; empty: the first
    friend bool operator==(const LeaseKey&, const LeaseKey&) = default;
};

struct EnrollRequest {
    std::string token;    // one-time
    std::string request;  // PKCS#10, PEM; the key never leaves the agent
    std::string name;     // the agent's name, for admins
};
struct EnrollReply {
    std::string agent;
    std::string team;
    std::string account;      // the account's id
    std::string certificate;  // PEM chain, the agent's first
    std::string ca;           // PEM of the CA
    std::vector<LeaseKey> lease_keys;
};

// A link of the journal's chain: its number, and its hash in lower-case hex. Empty: there is no such link.
struct JournalHead {
    std::int64_t sequence = 0;
    std::string hash;
};

struct ClockStatement {
    UtcTime estimate;
    std::string quality;  // trusted, estimated, unset
    UtcTime high_water;
};

// Units completed of one tranche in one UTC hour: a total.
struct HourUnits {
    UtcHour hour;
    Units units;
};
struct TrancheCounters {
    std::string tranche;
    Units used;                    // U
    Units returned;                // R
    std::vector<HourUnits> hours;  // those that changed since the acknowledged journal sequence
};
struct ResourceCounters {
    std::string resource;
    Amount metered;    // M
    Amount remainder;  // q
    std::vector<TrancheCounters> tranches;
    Units held;            // H, returnable: 0 in this version
    Units need;            // what can't wait
    Units wanted;          // > 0 asks for a top-up of the reserve
    Amount running;        // of sessions: it holds units and isn't in M yet
    Amount rate_per_hour;  // the larger of what runs now and the mean of the last 24 h
    bool idle = false;     // nothing metered for 15 minutes
    Units overage_units;
};

// Usage of one UTC hour: a total, so that a repeated row changes nothing.
struct UsageRow {
    std::string resource;
    UtcHour hour;
    std::string subject;
    Amount usage;
};

struct HelloRequest {
    int protocol_min = wire::protocol_min;
    int protocol_max = wire::protocol_max;
    std::string agent;
    std::int64_t incarnation = 1;
    std::string boot_id;
    std::string version;
    JournalHead head;
    JournalHead acknowledged;         // what the last answer acknowledged, with the own hash there
    std::vector<JournalHead> starts;  // links of starts after it, the newest first
    std::string last_lease;           // compact JWS, or empty
    std::vector<ResourceCounters> resources;
    std::string nonce;  // 16 random bytes, lower-case hex: binds the leases of this session
    ClockStatement clock;
};

enum class Verdict { ok, learning, fenced, retired, upgrade };
std::string_view name_of(Verdict);
std::optional<Verdict> verdict_from(std::string_view);

struct HelloReply {
    int protocol = wire::protocol_max;
    int protocol_min = wire::protocol_min;  // what the account speaks
    int protocol_max = wire::protocol_max;
    std::string session;  // empty: none was opened, the verdict says why
    std::int64_t epoch = 1;
    std::int64_t incarnation = 1;
    Verdict verdict = Verdict::ok;
    // With `fenced` it is the last link that counts in the incarnations of before, and no hash.
    JournalHead acknowledged;
    std::int64_t usage_acknowledged = 0;  // the same of usage by hour, which may be behind
    UtcTime server_time;
    std::vector<Resource> catalogue;
    std::int64_t catalogue_version = 0;
    std::vector<LeaseKey> lease_keys;
};

struct SyncRequest {
    std::string session;
    std::int64_t request_number = 0;  // rises within the session
    std::vector<ResourceCounters> resources;
    std::vector<UsageRow> usage;  // rows that changed since the acknowledged sequence
    JournalHead acknowledged;     // {acknowledged sequence, own hash there}
    JournalHead head;
    std::int64_t catalogue_version = 0;        // of the catalogue that the agent holds
    std::vector<JournalHead> starts;           // links of starts after the acknowledged one, the newest first
    bool more_usage = false;                   // rows of before the head are still to come
    std::optional<std::int64_t> lease_number;  // of the newest lease that the agent took up
};

struct Recall {
    std::string resource;
    Units units;
};
struct SyncReply {
    std::int64_t request_number = 0;
    JournalHead acknowledged;
    UtcTime server_time;
    std::optional<std::string> lease;  // compact JWS, when it changed
    std::vector<Recall> recall;        // empty in this version
    std::optional<std::string> wait_ticket;
    std::vector<Card> cards;  // the team's, all of the agent's resources
    std::optional<std::int64_t>
        next_sync_ms;  // on the wire in seconds; only if sooner than the agent's own interval
    std::optional<std::vector<Resource>> catalogue;  // when it is not the version that the agent holds
    std::int64_t catalogue_version = 0;
    bool learning = false;  // nothing is granted to the team until each of its agents was heard
};

// JSON of each, and back. Parsing is strict where it matters (types, ranges, required members,
// duplicate keys are malformed with a JSON Pointer) and ignores members it doesn't know.
std::string to_json(const EnrollRequest&);
std::string to_json(const EnrollReply&);
std::string to_json(const HelloRequest&);
std::string to_json(const HelloReply&);
std::string to_json(const SyncRequest&);
std::string to_json(const SyncReply&);
[[nodiscard]] Result<EnrollRequest> enroll_request_from_json(std::string_view);
[[nodiscard]] Result<EnrollReply> enroll_reply_from_json(std::string_view);
[[nodiscard]] Result<HelloRequest> hello_request_from_json(std::string_view);
[[nodiscard]] Result<HelloReply> hello_reply_from_json(std::string_view);
[[nodiscard]] Result<SyncRequest> sync_request_from_json(std::string_view);
[[nodiscard]] Result<SyncReply> sync_reply_from_json(std::string_view);

}  // namespace meterbox::core::wire
