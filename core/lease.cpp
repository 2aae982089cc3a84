// Leases: their claims as JSON, read strictly, and whether one fits this agent.
#include "core/lease.hpp"

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <set>

#include "core/json_fields.hpp"
#include "core/limits.hpp"
#include "core/mutant.hpp"

namespace meterbox::core {
namespace {

namespace json = boost::json;

// Of a resource, all tranches together: agents add them up. An account leases half of that at most, and as
// much of cycles that are still to come.
constexpr std::int64_t granted_max = 2 * limits::counter_max;

json::array flags_of(const LeaseTranche& tranche) {
    json::array flags;
    if (tranche.final) flags.emplace_back("final");
    if (tranche.payg_capped) flags.emplace_back("payg-capped");
    if (tranche.payg_open) flags.emplace_back("payg-open");
    return flags;
}

json::object tranche_to_json(const LeaseTranche& tranche) {
    json::object object;
    object["tranche"] = tranche.tranche;
    object["tier"] = json_text(name_of(tranche.tier));
    object["G"] = tranche.granted.value();
    object["valid_from"] = json_of(tranche.valid_from);
    object["ends_at"] = json_of(tranche.ends_at);
    object["flags"] = flags_of(tranche);
    return object;
}

json::object resource_to_json(const LeaseResource& resource) {
    json::object object;
    object["key"] = resource.key;
    object["unit_size"] = resource.unit_size.value();
    object["enforcement"] = json_text(name_of(resource.enforcement));
    object["tranches"] = json_list(resource.tranches, tranche_to_json);
    return object;
}

void read_flags(ObjectReader& reader, LeaseTranche& tranche) {
    const json::array* flags = reader.array("flags");
    if (!flags) return;
    // A flag not known here is ignored like an unknown member; a flag that isn't a text is an error.
    for (const json::value& flag : *flags) {
        if (!flag.is_string()) return reader.fail("flags", "must hold texts alone");
        if (flag.get_string() == "final") tranche.final = true;
        if (flag.get_string() == "payg-capped") tranche.payg_capped = true;
        if (flag.get_string() == "payg-open") tranche.payg_open = true;
    }
    const bool is_payg = tranche.tier == Tier::payg;
    if ((tranche.payg_capped || tranche.payg_open) && !is_payg)
        reader.fail("flags", "are of payg, the tier isn't");
    if (tranche.payg_capped && tranche.payg_open) reader.fail("flags", "say capped and open at once");
}

LeaseTranche tranche_from_json(ObjectReader& reader) {
    LeaseTranche tranche;
    tranche.tranche = read_text(reader, "tranche", limits::message_id_bytes_max);
    tranche.tier = read_name(reader, "tier", tier_from);
    tranche.granted = read_units(reader, "G", limits::counter_max);
    tranche.valid_from = read_time(reader, "valid_from");
    tranche.ends_at = read_optional_time(reader, "ends_at");
    if (tranche.ends_at && *tranche.ends_at < tranche.valid_from)
        reader.fail("ends_at", "is before valid_from");
    read_flags(reader, tranche);
    return tranche;
}

LeaseResource resource_from_json(ObjectReader& reader) {
    LeaseResource resource;
    resource.key = read_key(reader, "key");
    resource.unit_size = Amount{reader.integer("unit_size", 1, limits::unit_size_max)};
    resource.enforcement = read_name(reader, "enforcement", enforcement_from);
    resource.tranches =
        read_list<LeaseTranche>(reader, "tranches", limits::message_tranches_max, tranche_from_json);
    std::set<std::string_view> seen;
    std::int64_t most = granted_max;
    for (const LeaseTranche& tranche : resource.tranches) {
        if (!seen.insert(tranche.tranche).second) reader.fail("tranches", "name one tranche twice");
        if (tranche.granted.value() > most) reader.fail("tranches", "grant more than can be counted");
        most -= std::min(most, tranche.granted.value());
    }
    return resource;
}

std::vector<UtcTime> read_boundaries(ObjectReader& reader) {
    std::vector<UtcTime> boundaries;
    const json::array* array = reader.array("cycle_boundaries");
    if (!array) return boundaries;
    if (array->size() > limits::cycle_boundaries_max) reader.fail("cycle_boundaries", "are more than three");
    for (const json::value& value : *array) {
        const std::optional<UtcTime> time = time_from(value);
        if (!time) {
            reader.fail("cycle_boundaries", "must be times as in RFC 3339");
            break;
        }
        if (!boundaries.empty() && *time <= boundaries.back()) reader.fail("cycle_boundaries", "must rise");
        boundaries.push_back(*time);
    }
    return boundaries;
}

LeasePolicy policy_from_json(ObjectReader& reader) {
    LeasePolicy policy;
    policy.offline_horizon_ms = reader.integer("offline_horizon_ms", 0, limits::counter_max);
    policy.low_percent = static_cast<int>(reader.integer("low_percent", 0, 100));
    return policy;
}

Error misfit(std::string_view member, ErrorCode code = ErrorCode::forbidden) {
    return {code, "the lease doesn't fit this agent: " + std::string{member}, {}, {}};
}

}  // namespace

Result<void> admit(const Lease& lease, const LeaseExpectation& expected) {
    if (lease.agent != expected.agent) return misfit("agent");
    if (lease.incarnation != expected.incarnation) return misfit("incarnation");
    if (lease.epoch != expected.epoch) return misfit("epoch");
    if (lease.session_nonce != expected.session_nonce && !METERBOX_MUTANT(other_sessions_lease))
        return misfit("session_nonce");
    if (lease.number <= expected.newest_number && !METERBOX_MUTANT(older_lease))
        return misfit("number is not newer", ErrorCode::conflict);
    return {};
}

std::string lease_to_json(const Lease& lease) {
    json::object object;
    object["account"] = lease.account;
    object["epoch"] = lease.epoch;
    object["team"] = lease.team;
    object["agent"] = lease.agent;
    object["key_fingerprint"] = lease.key_fingerprint;
    object["incarnation"] = lease.incarnation;
    object["session_nonce"] = lease.session_nonce;
    object["number"] = lease.number;
    object["issued_at"] = json_of(lease.issued_at);
    object["spend_until"] = json_of(lease.spend_until);
    object["resources"] = json_list(lease.resources, resource_to_json);
    object["cycle_boundaries"] =
        json_list(lease.cycle_boundaries, [](UtcTime time) { return json_of(time); });
    object["policy"] = {{"offline_horizon_ms", lease.policy.offline_horizon_ms},
                        {"low_percent", lease.policy.low_percent}};
    return json::serialize(object);
}

Result<Lease> lease_from_json(std::string_view text) {
    if (text.size() > limits::lease_bytes_max)
        return Error{ErrorCode::too_large, "the lease is too large", {}, {}};
    const Result<json::value> value = parse_json(text);
    if (!value) return value.error();
    ObjectReader reader{*value, ""};
    Lease lease;
    lease.account = read_text(reader, "account", limits::message_id_bytes_max);
    lease.epoch = reader.integer("epoch", 1, limits::counter_max);
    lease.team = read_key(reader, "team");
    lease.agent = read_text(reader, "agent", limits::message_id_bytes_max);
    lease.key_fingerprint = read_text(reader, "key_fingerprint", limits::message_id_bytes_max);
    lease.incarnation = reader.integer("incarnation", 1, limits::counter_max);
    lease.session_nonce = read_text(reader, "session_nonce", limits::message_id_bytes_max);
    lease.number = reader.integer("number", 1, limits::counter_max);
    lease.issued_at = read_time(reader, "issued_at");
    lease.spend_until = read_time(reader, "spend_until");
    if (lease.spend_until < lease.issued_at) reader.fail("spend_until", "is before issued_at");
    lease.resources =
        read_list<LeaseResource>(reader, "resources", limits::message_resources_max, resource_from_json);
    std::set<std::string_view> seen;
    for (const LeaseResource& resource : lease.resources) {
        if (!seen.insert(resource.key).second) reader.fail("resources", "name one resource twice");
    }
    lease.cycle_boundaries = read_boundaries(reader);
    lease.policy = read_object(reader, "policy", policy_from_json);
    if (!reader.ok()) return reader.error();
    return lease;
}

}  // namespace meterbox::core
