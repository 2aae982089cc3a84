// The keys that may sign an agent's leases, as the agent knows them: a line, each key vouched for by the one
// before it, the newest last. The first was trusted at enrollment; from then on only the newest known
// can name its successor, so that an agent that was away follows the line over any number of steps, and a key
// that nobody vouches for is worth nothing. The one before goes on counting for a while. Pure: checking a
// signature is the caller's function.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/time.hpp"
#include "core/wire.hpp"

namespace meterbox::core {

struct KnownLeaseKey {
    wire::LeaseKey key;
    std::optional<UtcTime> until;  // its leases count until then; none: it is the newest
    friend bool operator==(const KnownLeaseKey&, const KnownLeaseKey&) = default;
};
using LeaseKeyLine = std::vector<KnownLeaseKey>;

// What a key signs (as a JWS) to name its successor.
std::string succession_to_json(const wire::LeaseKey& successor, UtcTime made_at);

// The payload of a signed text, if that key signed it.
using CheckSignature = std::function<Result<std::string>(std::string_view text, const wire::LeaseKey& key)>;

// At enrollment: the account's newest key, the first that it shows, is taken as it comes.
LeaseKeyLine begin_line(std::span<const wire::LeaseKey> shown);

struct FollowedLine {
    LeaseKeyLine line;
    bool newest_known = false;  // the account's newest key is the line's
};
// The line, longer by those shown that it leads to; the account shows the newest first. What ended before
// now is left out.
FollowedLine follow_line(LeaseKeyLine line, std::span<const wire::LeaseKey> shown,
                         const CheckSignature& check, UtcTime now);

// Those whose leases count.
std::vector<wire::LeaseKey> keys_in_force(const LeaseKeyLine& line, UtcTime now);

}  // namespace meterbox::core
