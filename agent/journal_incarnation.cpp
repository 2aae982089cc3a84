// A new incarnation of the agent in its journal: M, U, R and what is told of usage begin at 0, and all that
// the account doesn't count in the former ones comes along, as usage that no slot covers yet. How much that
// is, the chain knows: its links say what each commit added. What products and this machine's admins see
// goes on: sessions, events, identities, usage by hour.
#include <algorithm>
#include <sstream>
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

namespace {

constexpr std::string_view began_key = "incarnations_began";

// The link that began an incarnation, and up to where the account counted then. What came between the two is
// said again by that link itself.
struct Began {
    std::int64_t link = 0;
    std::int64_t counted = 0;
    std::int64_t usage_counted = 0;
};

std::vector<Began> began_from(const std::string& text) {
    std::vector<Began> list;
    std::istringstream in(text);
    for (Began began; in >> began.link >> began.counted >> began.usage_counted;) list.push_back(began);
    return list;
}

bool said_again(const std::vector<Began>& list, std::int64_t link, std::int64_t Began::*counted) {
    return std::ranges::any_of(
        list, [&](const Began& began) { return began.*counted < link && link < began.link; });
}

}  // namespace

core::Units Journal::completed_ever(const Entry& entry) const {
    const core::Amount ever = entry.former + entry.ledger.metered();
    return core::Units{ever.value() / entry.ledger.resource().unit_size.value()};
}

core::Amount Journal::former(const std::string& resource) const {
    const auto found = entries_.find(resource);
    return found == entries_.end() ? core::Amount{} : found->second.former;
}

void Journal::mark_start() {
    must(prepare_start());
}

Journal::Carried Journal::carried(const NextIncarnation& next) {
    Carried carried;
    const std::vector<Began> began = began_from(meta_text(began_key));
    // again: its usage is in a later link, too, as what the account had counted, but not by hour.
    const auto add = [&](const core::LinkState& state, bool counted, bool usage_counted, bool again) {
        for (const core::UsageAdded& added : state.usage) {
            const auto entry = entries_.find(added.resource);
            if (entry == entries_.end()) continue;
            const bool metered = added.metered && !counted;
            if (metered) carried.metered[added.resource] += added.amount;
            if (usage_counted || (again && !metered)) continue;
            Carried::Row& row = carried.usage[{entry->second.id, added.hour, added.subject}];
            (metered ? row.metered : row.rest) += added.amount;
            if (again) row.rest -= added.amount;
        }
        if (!counted) carried.units.insert(carried.units.end(), state.units.begin(), state.units.end());
    };
    const std::int64_t from = std::min(next.counted, next.usage_counted);
    must(chain_.each_after(from, [&](std::int64_t sequence, const core::LinkState& state) {
        const bool known = std::ranges::any_of(began, [&](const Began& one) { return one.link == sequence; });
        if (state.incarnation && !known) carried.clear();  // it says itself what came along
        const bool counted = sequence <= next.counted || said_again(began, sequence, &Began::counted);
        const bool again = said_again(began, sequence, &Began::usage_counted);
        add(state, counted, sequence <= next.usage_counted || (again && counted), again);
    }));
    add(transaction_.link, false, false, false);  // of this very transaction
    return carried;
}

void Journal::carry(Entry& entry, core::Amount metered) {
    touch(entry);
    // More than M: an account that was put back has forgotten of what it counted in incarnations of before.
    metered = std::min(metered, entry.former + entry.ledger.metered());
    entry.former += entry.ledger.metered() - metered;
    const core::Units held = entry.ledger.held();  // by sessions, which go on
    entry.ledger = core::ResourceLedger(entry.ledger.resource(), metered, {});
    if (held > core::Units{}) entry.ledger.hold(held);
    entry.metered = entry.tranches = true;
}

void Journal::begin_incarnation(const NextIncarnation& next) {
    METERBOX_ASSERT(!start_.start && next.number > standing_.incarnation);
    save_usage();
    const Carried came = carried(next);
    transaction_.link = {};
    transaction_.link.incarnation = next.number;
    set_meta(began_key, meta_text(began_key) + std::to_string(change_ + 1) + ' ' +
                            std::to_string(next.counted) + ' ' + std::to_string(next.usage_counted) + '\n');
    standing_.incarnation = next.number;
    set_meta("incarnation", std::to_string(next.number));
    must(tables_.forget_lease());
    standing_.pending_usage_rows = 0;
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
        must(tables_.carry_usage(key, row.metered + row.rest, change_ + 1, standing_.incarnation));
        standing_.pending_usage_rows += must(tables_.mark_pending(key));
        for (const bool metered : {true, false}) {
            const core::Amount amount = metered ? row.metered : row.rest;
            if (amount > core::Amount{})
                transaction_.link.usage.push_back(
                    {keys_.at(key.resource), key.hour, key.subject, amount, metered});
        }
    }
}

}  // namespace meterbox::agent
