#include "core/lease_keys.hpp"

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "core/json_fields.hpp"
#include "core/limits.hpp"

namespace meterbox::core {

namespace {

// When the successor was made, if `vouched` is the newest key's word for exactly it.
std::optional<UtcTime> vouched_at(const wire::LeaseKey& successor, const wire::LeaseKey& by,
                                  const CheckSignature& check) {
    if (successor.vouched.empty()) return std::nullopt;
    const auto payload = check(successor.vouched, by);
    if (!payload) return std::nullopt;
    const auto value = parse_json(*payload);
    if (!value) return std::nullopt;
    ObjectReader reader{*value, ""};
    const bool fits = reader.string("kid") == successor.kid && reader.string("x") == successor.x &&
                      reader.string("y") == successor.y;
    const UtcTime made_at = read_time(reader, "made_at");
    if (!reader.ok() || !fits) return std::nullopt;
    return made_at;
}

bool take_one_step(LeaseKeyLine& line, std::span<const wire::LeaseKey> shown, const CheckSignature& check) {
    KnownLeaseKey& newest = line.back();
    for (const wire::LeaseKey& candidate : shown) {
        const bool known = std::any_of(line.begin(), line.end(), [&candidate](const KnownLeaseKey& one) {
            return one.key.kid == candidate.kid;
        });
        if (known) continue;
        const auto made_at = vouched_at(candidate, newest.key, check);
        if (!made_at) continue;
        newest.until = *made_at + limits::lease_key_overlap_ms;
        line.push_back({candidate, std::nullopt});
        return true;
    }
    return false;
}

}  // namespace

std::string succession_to_json(const wire::LeaseKey& successor, UtcTime made_at) {
    return boost::json::serialize(boost::json::object{
        {"kid", successor.kid}, {"x", successor.x}, {"y", successor.y}, {"made_at", json_of(made_at)}});
}

LeaseKeyLine begin_line(std::span<const wire::LeaseKey> shown) {
    if (shown.empty()) return {};
    return {{shown.front(), std::nullopt}};
}

FollowedLine follow_line(LeaseKeyLine line, std::span<const wire::LeaseKey> shown,
                         const CheckSignature& check, UtcTime now) {
    FollowedLine followed;
    if (line.empty() || shown.empty()) return {std::move(line), shown.empty()};
    while (take_one_step(line, shown, check)) {
    }
    std::erase_if(line, [now](const KnownLeaseKey& known) { return known.until && *known.until <= now; });
    followed.newest_known = line.back().key.kid == shown.front().kid;
    followed.line = std::move(line);
    return followed;
}

std::vector<wire::LeaseKey> keys_in_force(const LeaseKeyLine& line, UtcTime now) {
    std::vector<wire::LeaseKey> keys;
    for (const KnownLeaseKey& known : line)
        if (!known.until || now < *known.until) keys.push_back(known.key);
    return keys;
}

}  // namespace meterbox::core
