// The pieces that several messages between agent and account are made of, to JSON and back:
// a point in the journal, counters, a catalogue of resources, the lease keys. Inside core only.
#pragma once

#include <boost/json/object.hpp>
#include <vector>

#include "core/json_fields.hpp"
#include "core/limits.hpp"
#include "core/wire.hpp"

namespace meterbox::core::wire {

// Reports are refused before a total passes counter_max; what sessions meter on top of them is a
// fact, and must not stop a sync.
inline constexpr std::int64_t total_max = 2 * limits::counter_max;

boost::json::object write_head(const JournalHead& head);
JournalHead read_head(ObjectReader& reader);
std::vector<JournalHead> read_starts(ObjectReader& journal);  // none: an older agent's

boost::json::object write_counters(const ResourceCounters& counters);
// {"resources":[..]} of a hello or sync; no resource twice.
std::vector<ResourceCounters> read_all_counters(ObjectReader& reader);

boost::json::array write_catalogue(const std::vector<Resource>& catalogue);
std::vector<Resource> read_catalogue(ObjectReader& reader);

// As a JWKS: {"keys":[{"kty":"EC","crv":"P-256","use":"sig","alg":"ES256","kid","x","y"}]}.
boost::json::object write_lease_keys(const std::vector<LeaseKey>& keys);
std::vector<LeaseKey> read_lease_keys(ObjectReader& reader);

boost::json::object write_usage(const UsageRow& row);
UsageRow read_usage(ObjectReader& reader);

UtcHour read_hour(ObjectReader& reader, std::string_view member);

}  // namespace meterbox::core::wire
