#include "agent/agent_time.hpp"

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <limits>

#include "agent/supply_record.hpp"
#include "core/json_reader.hpp"

namespace meterbox::agent {

namespace {

constexpr std::int64_t any = std::numeric_limits<std::int64_t>::max();

core::ClockRecord clock_from_json(std::string_view text) {
    core::ClockRecord record;
    const auto json = core::parse_json(text);
    if (!json) return record;
    core::ObjectReader reader(*json, "");
    if (const auto mark = reader.optional_integer("high_water_ms", 0, any)) record.high_water = {*mark};
    if (const auto utc = reader.optional_integer("utc_ms", 0, any)) record.anchor_utc = {*utc};
    record.anchor_boot = {reader.optional_integer("boot_ms", 0, any).value_or(0)};
    record.boot_id = reader.optional_string("boot_id").value_or("");
    record.heard = reader.boolean_or("heard", false);
    record.wall_ahead_ms = reader.optional_integer("wall_ahead_ms", 0, any).value_or(0);
    return record;
}

// Journals from before the clock was kept by itself have the last sync's time.
core::ClockRecord clock_of_last_sync(std::string_view supply_text) {
    core::ClockRecord record;
    const SupplyRecord supply = supply_from_json(supply_text);
    record.high_water = supply.last_sync_at;
    record.boot_id = supply.boot_id;
    if (supply.boot_id.empty()) return record;
    record.anchor_utc = supply.last_sync_at;
    record.anchor_boot = supply.synced_at_boot;
    return record;
}

}  // namespace

core::ClockRecord clock_record(const Journal& journal) {
    const auto text = [&journal](const char* key) {
        const auto found = journal.meta().find(key);
        return found == journal.meta().end() ? std::string() : found->second;
    };
    const std::string clock = text(clock_meta);
    core::ClockRecord record = clock.empty() ? clock_of_last_sync(text("supply")) : clock_from_json(clock);
    record.high_water = std::max(record.high_water, journal.high_water());
    return record;
}

std::string clock_to_json(const core::ClockRecord& record) {
    boost::json::object json;
    if (record.high_water) json["high_water_ms"] = record.high_water->ms;
    if (record.anchor_utc) json["utc_ms"] = record.anchor_utc->ms;
    json["boot_ms"] = record.anchor_boot.ms;
    json["boot_id"] = record.boot_id;
    json["heard"] = record.heard;
    json["wall_ahead_ms"] = record.wall_ahead_ms;
    return boost::json::serialize(json);
}

}  // namespace meterbox::agent
