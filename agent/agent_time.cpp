#include "agent/agent_time.hpp"

#include "agent/supply_record.hpp"

namespace meterbox::agent {

core::ClockRecord clock_record(const Journal& journal) {
    core::ClockRecord record;
    record.high_water = journal.high_water();
    const SupplyRecord supply = [&journal] {
        const auto text = journal.meta().find("supply");
        return text == journal.meta().end() ? SupplyRecord{} : supply_from_json(text->second);
    }();
    if (supply.last_sync_at && (!record.high_water || *supply.last_sync_at > *record.high_water))
        record.high_water = supply.last_sync_at;
    if (supply.last_sync_at && !supply.boot_id.empty()) {
        record.anchor_utc = supply.last_sync_at;
        record.anchor_boot = supply.synced_at_boot;
        record.boot_id = supply.boot_id;
    }
    return record;
}

}  // namespace meterbox::agent
