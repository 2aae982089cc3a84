#include "agent/supply_record.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <limits>

#include "core/json_reader.hpp"

namespace meterbox::agent {

namespace {
constexpr std::int64_t any = std::numeric_limits<std::int64_t>::max();

boost::json::value time_or_null(const std::optional<core::UtcTime>& time) {
    if (!time) return nullptr;
    return time->ms;
}

void read_charged(core::ObjectReader& reader, core::TierUnits& charged) {
    const boost::json::array* units = reader.array("charged_at_card");
    if (units == nullptr || units->size() != charged.of.size()) return;
    for (std::size_t i = 0; i < charged.of.size(); ++i) {
        const boost::json::value& value = (*units)[i];
        if (value.is_int64() && value.as_int64() >= 0) charged.of[i] = core::Units{value.as_int64()};
    }
}

void read_used(const boost::json::value& value, std::map<std::string, core::Units>& used) {
    if (!value.is_object()) return;
    for (const auto& [tranche, units] : value.get_object())
        if (units.is_int64() && units.get_int64() >= 0) used.emplace(tranche, core::Units{units.get_int64()});
}

std::optional<core::UtcTime> time_of(core::ObjectReader& reader, std::string_view member) {
    const auto ms = reader.optional_integer(member, 0, any);
    return ms ? std::optional(core::UtcTime{*ms}) : std::nullopt;
}
}  // namespace

std::string supply_to_json(const SupplyRecord& record) {
    boost::json::array resources;
    for (const auto& [key, entry] : record.resources) {
        boost::json::object json;
        json["resource"] = key;
        if (entry.card) json["card"] = core::card_with_turns_to_json(*entry.card);
        json["completed_at_card"] = entry.completed_at_card.value();
        boost::json::array charged;
        for (const core::Units units : entry.charged_at_card.of) charged.emplace_back(units.value());
        json["charged_at_card"] = std::move(charged);
        boost::json::object used;
        for (const auto& [tranche, units] : entry.used_at_card) used[tranche] = units.value();
        json["used_at_card"] = std::move(used);
        json["held_at_card"] = entry.held_at_card.value();
        json["last_lease"] = entry.last_lease.value();
        json["last_exposure"] = entry.last_exposure.value();
        json["final"] = entry.final;
        resources.push_back(std::move(json));
    }
    boost::json::object json;
    json["resources"] = std::move(resources);
    json["spend_until_ms"] = time_or_null(record.spend_until);
    json["cycle_begins_at_ms"] = time_or_null(record.cycle_begins_at);
    json["last_sync_at_ms"] = time_or_null(record.last_sync_at);
    json["synced_at_boot_ms"] = record.synced_at_boot.ms;
    json["boot_id"] = record.boot_id;
    json["low_percent"] = record.low_percent;
    return boost::json::serialize(json);
}

SupplyRecord supply_from_json(std::string_view text) {
    SupplyRecord record;
    const auto json = core::parse_json(text);
    if (!json) return record;
    core::ObjectReader reader(*json, "");
    record.spend_until = time_of(reader, "spend_until_ms");
    record.cycle_begins_at = time_of(reader, "cycle_begins_at_ms");
    record.last_sync_at = time_of(reader, "last_sync_at_ms");
    record.synced_at_boot = core::BootTime{reader.optional_integer("synced_at_boot_ms", 0, any).value_or(0)};
    if (reader.has("boot_id")) record.boot_id = reader.string("boot_id");
    record.low_percent = static_cast<int>(reader.optional_integer("low_percent", 0, 100).value_or(20));
    const boost::json::array* resources = reader.array("resources");
    if (resources == nullptr) return record;
    for (const boost::json::value& value : *resources) {
        core::ObjectReader resource(value, "/resources");
        SupplyRecord::Entry entry;
        const std::string key = resource.string("resource");
        entry.completed_at_card = core::Units{resource.integer("completed_at_card", 0, any)};
        if (resource.has("charged_at_card")) read_charged(resource, entry.charged_at_card);
        if (resource.has("used_at_card")) read_used(*resource.value("used_at_card"), entry.used_at_card);
        entry.last_lease = core::Amount{resource.integer("last_lease", 0, any)};
        entry.held_at_card = core::Units{resource.optional_integer("held_at_card", 0, any).value_or(0)};
        entry.last_exposure = core::Amount{resource.optional_integer("last_exposure", 0, any).value_or(0)};
        entry.final = resource.boolean_or("final", false);
        if (!resource.ok()) continue;
        if (resource.has("card"))
            if (auto card = core::card_from_json(*resource.value("card"))) entry.card = std::move(*card);
        record.resources.emplace(key, std::move(entry));
    }
    return record;
}

bool same_but_for_time(const core::Card& a, const core::Card& b) {
    core::Card later = b;
    later.as_of = a.as_of;
    later.exhausts_at = a.exhausts_at;  // a forecast is another one each time
    return a == later;
}

}  // namespace meterbox::agent
