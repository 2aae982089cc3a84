// The pieces that several messages between agent and account are made of, to JSON and back:
// a point in the journal, counters, a catalogue of resources, the lease keys. Inside core only.
#pragma once

#include <boost/json/object.hpp>
#include <vector>

#include "core/json_fields.hpp"
#include "core/wire.hpp"

namespace meterbox::core::wire {

boost::json::object write_head(const JournalHead& head);
JournalHead read_head(ObjectReader& reader);

boost::json::object write_counters(const ResourceCounters& counters);
// {"resources":[..]} of a hello or sync; no resource twice.
std::vector<ResourceCounters> read_all_counters(ObjectReader& reader);

boost::json::array write_catalogue(const std::vector<Resource>& catalogue);
std::vector<Resource> read_catalogue(ObjectReader& reader);

// As a JWKS: {"keys":[{"kty":"EC","crv":"P-256","use":"sig","alg":"ES256","kid","x","y"}]}.
boost::json::object write_lease_keys(const std::vector<LeaseKey>& keys);
std::vector<LeaseKey> read_lease_keys(ObjectReader& reader);

UtcHour read_hour(ObjectReader& reader, std::string_view member);

}  // namespace meterbox::core::wire
