// A new incarnation of the agent in its journal: M, U, R and what is told of usage begin at 0, and all that
// the account doesn't count in the former ones comes along, as usage that no slot covers yet. How much that
// is, the chain knows: its links say what each commit added. What products and this machine's admins see
// goes on: sessions, events, identities, usage by hour.
#include <algorithm>
#include <utility>

#include "agent/journal.hpp"
#include "core/assert.hpp"

namespace meterbox::agent {

struct Journal::Carried {
    std::map<std::string, core::Amount> metered;  // by resource
    struct Row {
        core::Amount metered;
        core::Amount rest;  // the account has counted it, but not by hour; or nothing was enforced
    };
    std::map<UsageKey, Row> usage;
    std::vector<core::UnitsAdded> units;  // that took slots of the lease that is over

    void clear() { *this = {}; }
};

core::Units Journal::completed_ever(const Entry& entry) const {
    const core::Amount ever = entry.former + entry.ledger.metered();
    return core::Units{ever.value() / entry.ledger.resource().unit_size.value()};
}

core::Amount Journal::former(const std::string& resource) const {
    const auto found = entries_.find(resource);
    return found == entries_.end() ? core::Amount{} : found->second.former;
}

void Journal::mark_start() {
    start_ = {};
    prepare_start();
}

Journal::Carried Journal::carried(const NextIncarnation& next) {
    Carried carried;
    const auto add = [&](const core::LinkState& state, bool counted, bool usage_counted) {
        if (state.incarnation) carried.clear();  // it says itself what came along
        for (const core::UsageAdded& added : state.usage) {
            const auto entry = entries_.find(added.resource);
            if (entry == entries_.end()) continue;
            const bool metered = added.metered && !counted;
            if (metered) carried.metered[added.resource] += added.amount;
            if (usage_counted) continue;
            Carried::Row& row = carried.usage[{entry->second.id, added.hour, added.subject}];
            (metered ? row.metered : row.rest) += added.amount;
        }
        if (!counted) carried.units.insert(carried.units.end(), state.units.begin(), state.units.end());
    };
    const std::int64_t from = std::min(next.counted, next.usage_counted);
    must(chain_.each_after(from, [&](std::int64_t sequence, const core::LinkState& state) {
        add(state, sequence <= next.counted, sequence <= next.usage_counted);
    }));
    add(link_state_, false, false);  // of this very transaction
    return carried;
}

void Journal::carry(Entry& entry, core::Amount metered) {
    touch(entry);
    metered = std::min(metered, entry.ledger.metered());
    if (!entry.former_before) entry.former_before = entry.former;
    entry.former += entry.ledger.metered() - metered;
    const core::Units held = entry.ledger.held();  // by sessions, which go on
    entry.ledger = core::ResourceLedger(entry.ledger.resource(), metered, {});
    if (held > core::Units{}) entry.ledger.hold(held);
    entry.metered = entry.tranches = true;
}

void Journal::begin_incarnation(const NextIncarnation& next) {
    METERBOX_ASSERT(!start_.start && next.number > incarnation_);
    save_usage();
    const Carried came = carried(next);
    link_state_ = {};
    link_state_.incarnation = next.number;
    incarnation_ = next.number;
    set_meta("incarnation", std::to_string(next.number));
    must(tables_.forget_lease());
    pending_usage_rows_ = 0;
    cells_.clear();
    for (auto& [key, entry] : entries_) {
        const auto metered = came.metered.find(key);
        carry(entry, metered == came.metered.end() ? core::Amount{} : metered->second);
    }
    for (const core::UnitsAdded& units : came.units) {
        const auto entry = entries_.find(units.resource);
        if (entry == entries_.end()) continue;
        must(tables_.take_back_units(entry->second.id, units.tranche, units.hour, units.units));
    }
    for (const auto& [key, row] : came.usage) {
        must(tables_.carry_usage(key, row.metered + row.rest, change_ + 1, incarnation_));
        pending_usage_rows_ += must(tables_.mark_pending(key));
        for (const bool metered : {true, false}) {
            const core::Amount amount = metered ? row.metered : row.rest;
            if (amount > core::Amount{})
                link_state_.usage.push_back({keys_.at(key.resource), key.hour, key.subject, amount, metered});
        }
    }
}

}  // namespace meterbox::agent
