#include "core/wire_parts.hpp"

#include <algorithm>
#include <set>

#include "core/limits.hpp"

namespace meterbox::core::wire {
namespace {

namespace json = boost::json;

// The coordinates of a P-256 point are 32 bytes each: 43 characters of base64url.
constexpr std::size_t coordinate_characters = 43;

json::object write_hour(const HourUnits& hour) {
    return {{"hour", json_of(start_of(hour.hour))}, {"units", hour.units.value()}};
}

json::object write_tranche(const TrancheCounters& tranche) {
    json::object object;
    object["tranche"] = tranche.tranche;
    object["U"] = tranche.used.value();
    object["R"] = tranche.returned.value();
    object["hours"] = json_list(tranche.hours, write_hour);
    return object;
}

TrancheCounters read_tranche(ObjectReader& reader) {
    TrancheCounters tranche;
    tranche.tranche = read_text(reader, "tranche", limits::message_id_bytes_max);
    tranche.used = read_units(reader, "U", total_max);
    tranche.returned = read_units(reader, "R", limits::counter_max);
    tranche.hours =
        read_list<HourUnits>(reader, "hours", limits::message_hours_max, [](ObjectReader& element) {
            return HourUnits{read_hour(element, "hour"), read_units(element, "units", total_max)};
        });
    std::set<UtcHour> seen;
    for (const HourUnits& hour : tranche.hours) {
        if (!seen.insert(hour.hour).second) reader.fail("hours", "name one hour twice");
    }
    return tranche;
}

ResourceCounters read_counters(ObjectReader& reader) {
    ResourceCounters counters;
    counters.resource = read_key(reader, "resource");
    counters.metered = read_amount(reader, "M", total_max);
    counters.remainder = read_amount(reader, "q", limits::unit_size_max);
    counters.tranches =
        read_list<TrancheCounters>(reader, "tranches", limits::message_tranches_max, read_tranche);
    counters.held = read_units(reader, "H", limits::counter_max);
    counters.need = read_units(reader, "need", total_max);
    counters.wanted = read_units(reader, "wanted", total_max);
    if (reader.has("running")) counters.running = read_amount(reader, "running", total_max);
    counters.rate_per_hour = read_amount(reader, "rate", total_max);
    counters.idle = reader.boolean("idle");
    counters.overage_units = read_units(reader, "overage", total_max);
    std::set<std::string_view> seen;
    for (const TrancheCounters& tranche : counters.tranches) {
        if (!seen.insert(tranche.tranche).second) reader.fail("tranches", "name one tranche twice");
    }
    return counters;
}

json::object write_lease_key(const LeaseKey& key) {
    json::object jwk{{"kty", "EC"},    {"crv", "P-256"}, {"use", "sig"}, {"alg", "ES256"},
                     {"kid", key.kid}, {"x", key.x},     {"y", key.y}};
    if (!key.vouched.empty()) jwk["signature"] = key.vouched;
    return jwk;
}

std::string read_coordinate(ObjectReader& reader, std::string_view member) {
    std::string text = reader.string(member);
    const bool base64url = std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
               c == '_';
    });
    if (text.size() != coordinate_characters || !base64url)
        reader.fail(member, "must be 32 bytes in base64url");
    return text;
}

void require(ObjectReader& reader, std::string_view member, std::string_view text) {
    if (reader.string(member) != text) reader.fail(member, "must be " + std::string{text});
}

LeaseKey read_lease_key(ObjectReader& reader) {
    require(reader, "kty", "EC");
    require(reader, "crv", "P-256");
    require(reader, "use", "sig");
    require(reader, "alg", "ES256");
    LeaseKey key;
    key.kid = read_text(reader, "kid", limits::message_id_bytes_max);
    key.x = read_coordinate(reader, "x");
    key.y = read_coordinate(reader, "y");
    key.vouched = read_text_or_empty(reader, "signature", limits::message_signature_bytes_max);
    return key;
}

Resource read_resource(ObjectReader& reader) {
    Resource resource;
    resource.key = read_key(reader, "key");
    resource.name = read_text_or_empty(reader, "name", limits::message_text_bytes_max);
    resource.kind = read_name(reader, "kind", kind_from);
    resource.measure = read_name(reader, "measure", measure_from);
    resource.unit_size = Amount{reader.integer("unit_size", 1, limits::unit_size_max)};
    resource.enforcement = read_name(reader, "enforcement", enforcement_from);
    return resource;
}

json::object write_resource(const Resource& resource) {
    json::object object;
    object["key"] = resource.key;
    object["name"] = resource.name;
    object["kind"] = json_text(name_of(resource.kind));
    object["measure"] = json_text(name_of(resource.measure));
    object["unit_size"] = resource.unit_size.value();
    object["enforcement"] = json_text(name_of(resource.enforcement));
    return object;
}

}  // namespace

json::object write_head(const JournalHead& head) {
    return {{"sequence", head.sequence}, {"hash", head.hash}};
}

JournalHead read_head(ObjectReader& reader) {
    JournalHead head;
    head.sequence = reader.integer("sequence", 0, limits::counter_max);
    head.hash = read_text_or_empty(reader, "hash", limits::message_text_bytes_max);
    return head;
}

std::vector<JournalHead> read_starts(ObjectReader& journal) {
    if (!journal.has("starts")) return {};
    return read_list<JournalHead>(journal, "starts", limits::journal_starts_max, read_head);
}

json::object write_counters(const ResourceCounters& counters) {
    json::object object;
    object["resource"] = counters.resource;
    object["M"] = counters.metered.value();
    object["q"] = counters.remainder.value();
    object["tranches"] = json_list(counters.tranches, write_tranche);
    object["H"] = counters.held.value();
    object["need"] = counters.need.value();
    object["wanted"] = counters.wanted.value();
    object["running"] = counters.running.value();
    object["rate"] = counters.rate_per_hour.value();
    object["idle"] = counters.idle;
    object["overage"] = counters.overage_units.value();
    return object;
}

std::vector<ResourceCounters> read_all_counters(ObjectReader& reader) {
    std::vector<ResourceCounters> all =
        read_list<ResourceCounters>(reader, "resources", limits::message_resources_max, read_counters);
    std::set<std::string_view> seen;
    for (const ResourceCounters& counters : all) {
        if (!seen.insert(counters.resource).second) reader.fail("resources", "name one resource twice");
    }
    return all;
}

json::array write_catalogue(const std::vector<Resource>& catalogue) {
    return json_list(catalogue, write_resource);
}

std::vector<Resource> read_catalogue(ObjectReader& reader) {
    std::vector<Resource> catalogue =
        read_list<Resource>(reader, "catalogue", limits::message_resources_max, read_resource);
    std::set<std::string_view> seen;
    for (const Resource& resource : catalogue) {
        if (!seen.insert(resource.key).second) reader.fail("catalogue", "names one resource twice");
    }
    return catalogue;
}

json::object write_lease_keys(const std::vector<LeaseKey>& keys) {
    return {{"keys", json_list(keys, write_lease_key)}};
}

std::vector<LeaseKey> read_lease_keys(ObjectReader& reader) {
    return read_object(reader, "lease_keys", [](ObjectReader& jwks) {
        return read_list<LeaseKey>(jwks, "keys", limits::message_lease_keys_max, read_lease_key);
    });
}

json::object write_usage(const UsageRow& row) {
    json::object object;
    object["resource"] = row.resource;
    object["hour"] = json_of(start_of(row.hour));
    object["subject"] = row.subject;
    object["usage"] = row.usage.value();
    return object;
}

UsageRow read_usage(ObjectReader& reader) {
    UsageRow row;
    row.resource = read_key(reader, "resource");
    row.hour = read_hour(reader, "hour");
    row.subject = read_text_or_empty(reader, "subject", limits::subject_bytes_max);
    row.usage = read_amount(reader, "usage", total_max);
    return row;
}

UtcHour read_hour(ObjectReader& reader, std::string_view member) {
    const UtcTime time = read_time(reader, member);
    const UtcHour hour = hour_of(time);
    if (start_of(hour) != time) reader.fail(member, "must be the start of an hour");
    return hour;
}

}  // namespace meterbox::core::wire
