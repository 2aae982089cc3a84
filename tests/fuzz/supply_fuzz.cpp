// agent/supply_record: what can be read of a stored record is the same when it is written and read again;
// what can't is left out, and nothing of it does harm.
#include "agent/supply_record.hpp"

#include "tests/fuzz/fuzz.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace meterbox;
    const agent::SupplyRecord record = agent::supply_from_json(fuzz::text_of(data, size));
    METERBOX_ASSERT(record.low_percent >= 0 && record.low_percent <= 100);
    for (const auto& [key, entry] : record.resources) {
        METERBOX_ASSERT(entry.completed_at_card.value() >= 0 && entry.last_lease.value() >= 0);
        if (entry.card) METERBOX_ASSERT(agent::same_but_for_time(*entry.card, *entry.card));
    }
    const std::string written = agent::supply_to_json(record);
    const agent::SupplyRecord again = agent::supply_from_json(written);
    METERBOX_ASSERT(again.resources.size() == record.resources.size());
    METERBOX_ASSERT(agent::supply_to_json(again) == written);
    return 0;
}
