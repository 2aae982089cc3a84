// What the agent keeps of the account's last answers, so that it knows as much after a restart, with
// the account out of reach, as before: the team's cards, and how each resource's lease began. Stored as
// one JSON text beside the lease.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/card.hpp"
#include "core/gate.hpp"
#include "core/quantity.hpp"
#include "core/time.hpp"

namespace meterbox::agent {

struct SupplyRecord {
    struct Entry {
        std::optional<core::Card> card;
        core::Units completed_at_card;
        core::TierUnits charged_at_card;
        std::map<std::string, core::Units> used_at_card;  // by tranche, of those whose end the card says
        core::Units held_at_card;
        core::Amount last_lease;
        core::Amount last_exposure;
        bool final = false;
    };
    std::map<std::string, Entry> resources;
    std::optional<core::UtcTime> spend_until;
    std::optional<core::UtcTime> cycle_begins_at;  // the first boundary that the lease names
    std::optional<core::UtcTime> last_sync_at;     // the account's time then
    core::BootTime synced_at_boot;                 // and this machine's, in the boot of
    std::string boot_id;                           // this id; empty: not known
    int low_percent = 20;
};

std::string supply_to_json(const SupplyRecord& record);
// What can't be read is left out: it is known again after the next sync.
SupplyRecord supply_from_json(std::string_view text);

// Whether two cards say the same but for the moment as of which they say it, and its forecast.
bool same_but_for_time(const core::Card& a, const core::Card& b);

}  // namespace meterbox::agent
