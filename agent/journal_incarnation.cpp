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
        core::Amount all;  // also what the account has counted, but not by hour, or nothing was enforced of
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

bool said_again(const std::vector<Began>& list, std::int64_t link) {
    return std::ranges::any_of(list, [&](const Began& one) { return one.counted < link && link < one.link; });
}

// How often the words of a link count, for the sum of all that came after one link. Of a link that began an
// incarnation only what is its own is in that sum: less what it says again, whatever of that counts by now.
class Weights {
public:
    Weights(const std::vector<Began>& list, std::int64_t Began::*counted, std::int64_t after)
        : list_(list), counted_(counted), after_(after), of_list_(list.size()) {
        for (std::size_t i = list.size(); i-- > 0;) of_list_[i] = of(list[i].link);
    }
    std::int64_t of(std::int64_t link) const {
        std::int64_t weight = link > after_ ? 1 : 0;
        for (std::size_t i = 0; i < list_.size(); ++i)
            if (list_[i].*counted_ < link && link < list_[i].link) weight -= of_list_[i];
        return weight;
    }

private:
    const std::vector<Began>& list_;
    std::int64_t Began::*counted_;
    std::int64_t after_;
    std::vector<std::int64_t> of_list_;
};

// Where the account counts up to a link of an incarnation and was told none of its usage by hour, it has what
// it had when that began.
std::int64_t usage_counted_of(const std::vector<Began>& list, const NextIncarnation& next) {
    std::int64_t counted = std::min(next.counted, next.usage_counted);
    for (std::size_t i = list.size(); i-- > 0;)
        if (list[i].link <= next.counted && counted < list[i].link)
            counted = std::min(counted, list[i].usage_counted);
    return counted;
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
    const Weights metered(began, &Began::counted, next.counted);
    const Weights all(began, &Began::usage_counted, next.usage_counted);
    const auto add = [&](const core::LinkState& state, std::int64_t of_metered, std::int64_t of_all) {
        for (const core::UsageAdded& added : state.usage) {
            const auto entry = entries_.find(added.resource);
            if (entry == entries_.end()) continue;
            const core::Amount moves{added.metered ? added.amount.value() * of_metered : 0};
            carried.metered[added.resource] += moves;
            Carried::Row& row = carried.usage[{entry->second.id, added.hour, added.subject}];
            row.metered += moves;
            row.all += core::Amount{added.amount.value() * of_all};
        }
    };
    std::int64_t from = next.usage_counted;
    for (const Began& one : began)
        if (one.link > next.usage_counted) from = std::min({from, one.counted, one.usage_counted});
    must(chain_.each_after(from, [&](std::int64_t sequence, const core::LinkState& state) {
        const bool known = std::ranges::any_of(began, [&](const Began& one) { return one.link == sequence; });
        if (state.incarnation && !known) carried.clear();  // it says itself what came along
        add(state, metered.of(sequence), all.of(sequence));
        if (sequence > next.counted && !said_again(began, sequence))
            carried.units.insert(carried.units.end(), state.units.begin(), state.units.end());
    }));
    add(transaction_.link, 1, 1);
    carried.units.insert(carried.units.end(), transaction_.link.units.begin(), transaction_.link.units.end());
    return carried;
}

void Journal::carry(Entry& entry, core::Amount metered) {
    touch(entry);
    // More than M: an account that was put back has forgotten of what it counted in incarnations of before.
    metered = std::clamp(metered, core::Amount{}, entry.former + entry.ledger.metered());
    entry.former += entry.ledger.metered() - metered;
    const core::Units held = entry.ledger.held();  // by sessions, which go on
    entry.ledger = core::ResourceLedger(entry.ledger.resource(), metered, {});
    if (held > core::Units{}) entry.ledger.hold(held);
    entry.metered = entry.tranches = true;
}

void Journal::begin_incarnation(NextIncarnation next) {
    METERBOX_ASSERT(!start_.start && next.number > standing_.incarnation);
    save_usage();
    next.usage_counted = usage_counted_of(began_from(meta_text(began_key)), next);
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
        if (row.all <= core::Amount{}) continue;
        must(tables_.carry_usage(key, row.all, change_ + 1, standing_.incarnation));
        standing_.pending_usage_rows += must(tables_.mark_pending(key));
        for (const bool metered : {true, false}) {
            const core::Amount amount = metered ? row.metered : row.all - row.metered;
            if (amount > core::Amount{})
                transaction_.link.usage.push_back(
                    {keys_.at(key.resource), key.hour, key.subject, amount, metered});
        }
    }
}

}  // namespace meterbox::agent
