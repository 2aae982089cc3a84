#include "agent/chain_check.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace meterbox::agent {

using platform::sqlite::Blob;
using platform::sqlite::Cursor;

namespace {

std::string string_of(Blob bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::optional<ChainHash> hash_from(Blob bytes) {
    ChainHash hash;
    if (bytes.size() != hash.size()) return std::nullopt;
    std::memcpy(hash.data(), bytes.data(), hash.size());
    return hash;
}

core::TrancheTotals& tranche_in(core::ResourceTotals& totals, const std::string& tranche) {
    const auto known = std::ranges::find(totals.tranches, tranche, &core::TrancheTotals::tranche);
    if (known != totals.tranches.end()) return *known;
    return totals.tranches.emplace_back(core::TrancheTotals{tranche, {}, {}, {}});
}

}  // namespace

void ChainCheck::broken(std::int64_t sequence, std::string what) {
    if (!report_.broken) report_.broken = ChainReport::Broken{sequence, std::move(what)};
}

core::Result<void> ChainCheck::begin() {
    begun_ = true;
    auto link_after = connection_.prepare(
        "SELECT seq, last_event, hash, state FROM link WHERE seq > ? ORDER BY seq LIMIT 1");
    if (!link_after) return link_after.error();
    link_after_.emplace(std::move(*link_after));
    auto events = connection_.prepare(
        "SELECT seq, resource, source, id, subject, time_ms, amount, taken_at_ms FROM event "
        "WHERE seq > ? AND seq <= ? ORDER BY seq");
    if (!events) return events.error();
    events_.emplace(std::move(*events));
    const auto there = connection_.number("SELECT coalesce(min(seq), 0) FROM event");
    if (!there) return there.error();
    const auto newest = connection_.number("SELECT coalesce(max(last_event), 0) FROM link");
    if (!newest) return newest.error();
    gone_up_to_ = *there > 0 ? *there - 1 : *newest;
    const auto oldest = next_link();
    if (!oldest) return oldest.error();
    if (!*oldest) return {};
    last_ = (*oldest)->head;
    report_.first = last_.sequence;
    base_event_ = last_.last_event;
    if (const auto state = core::link_state_from((*oldest)->state)) {
        note(last_.sequence, *state);
    } else {
        broken(last_.sequence, state.error().detail);
    }
    return {};
}

core::Result<std::optional<ChainCheck::Link>> ChainCheck::next_link() {
    Cursor row = link_after_->query(last_.sequence);
    const auto found = row.next();
    if (!found) return found.error();
    if (!*found) return std::optional<Link>{};
    Link link{{row.integer(0), row.integer(1), {}}, string_of(row.blob(3))};
    if (const auto hash = hash_from(row.blob(2))) link.head.hash = *hash;
    return std::optional(std::move(link));
}

core::Result<bool> ChainCheck::go_on(const std::function<bool()>& enough) {
    if (!begun_)
        if (const auto done = begin(); !done) return done.error();
    while (!report_.broken) {
        const auto link = next_link();
        if (!link) return link.error();
        if (!*link) return false;
        if (const auto done = check(**link); !done) return done.error();
        if (enough()) return true;
    }
    return false;
}

core::Result<void> ChainCheck::check(const Link& link) {
    const std::int64_t sequence = link.head.sequence;
    if (sequence != last_.sequence + 1) {
        broken(last_.sequence + 1, "this link is missing");
        return {};
    }
    if (link.head.last_event < last_.last_event) {
        broken(sequence, "it covers fewer events than the link before it");
        return {};
    }
    const bool has_events = link.head.last_event > last_.last_event;
    const bool can_be_hashed = !has_events || last_.last_event >= gone_up_to_;
    if (can_be_hashed) {
        hasher_.begin(last_.hash);
        const auto events = add_events(last_.last_event, link.head.last_event);
        if (!events) return events.error();
        hasher_.add(core::link_frame(sequence, link.head.last_event, link.state));
        if (hasher_.end() != link.head.hash) {
            broken(sequence, has_events ? "its events " + std::to_string(last_.last_event + 1) + " to " +
                                              std::to_string(link.head.last_event) +
                                              ", its totals or its hash are not those that were committed"
                                        : "its totals or its hash are not those that were committed");
            return {};
        }
        ++report_.links;
        report_.events += *events;
    }
    const auto state = core::link_state_from(link.state);
    if (!state) {
        broken(sequence, state.error().detail);
        return {};
    }
    note(sequence, *state);
    last_ = link.head;
    return {};
}

core::Result<std::int64_t> ChainCheck::add_events(std::int64_t after, std::int64_t last) {
    std::string frame;
    std::int64_t count = 0;
    Cursor row = events_->query(after, last);
    for (;;) {
        const auto more = row.next();
        if (!more) return more.error();
        if (!*more) return count;
        frame.clear();
        core::append_event_frame(frame, {row.integer(0), row.integer(1), row.text(2), row.text(3),
                                         row.text(4), core::UtcTime{row.integer(5)},
                                         core::Amount{row.integer(6)}, core::UtcTime{row.integer(7)}});
        hasher_.add(frame);
        ++count;
    }
}

// The totals that a start found come first in its link: who changed them while nobody looked must not have
// them committed by that.
void ChainCheck::check_start(std::int64_t sequence, const core::LinkState& state) {
    TotalsByResource found, known;
    for (const core::ResourceTotals& totals : state.resources) {
        const auto before = totals_.find(totals.resource);
        if (before != totals_.end() && found.try_emplace(totals.resource, totals).second)
            known.insert(*before);
    }
    if (const std::string differs = difference(known, found, false); !differs.empty())
        broken(sequence, "a start found other totals: " + differs);
}

void ChainCheck::note(std::int64_t sequence, const core::LinkState& state) {
    if (state.start && !state.incarnation) check_start(sequence, state);
    if (state.forgotten) forgotten_up_to_ = std::max(forgotten_up_to_, *state.forgotten);
    if (state.incarnation) {
        incarnation_ = state.incarnation;
        for (auto& [key, totals] : totals_) totals.tranches.clear();
    }
    for (const core::ResourceTotals& stated : state.resources) {
        core::ResourceTotals& totals = totals_[stated.resource];
        totals.resource = stated.resource;
        totals.metered = stated.metered;
        for (const core::TrancheTotals& tranche : stated.tranches)
            tranche_in(totals, tranche.tranche) = tranche;
    }
}

core::Result<ChainReport> ChainCheck::finish(const ChainHead& head) {
    report_.head = last_.on_wire();
    if (!report_.broken && (last_.sequence != head.sequence || last_.hash != head.hash))
        broken(last_.sequence + 1, "the chain ends before the link that was committed last");
    const auto uncovered =
        connection_.number("SELECT count(*) FROM event WHERE seq > " + std::to_string(last_.last_event));
    if (!uncovered) return uncovered.error();
    // A journal that is older than its chain has none until its next commit.
    if (report_.first != 0 && *uncovered > 0)
        broken(last_.sequence, std::to_string(*uncovered) + " events after it are in no link");
    if (const auto done = check_missing_events(); !done) return done.error();
    if (const auto done = check_totals(); !done) return done.error();
    return report_;
}

// Retention says in its own links what it took away.
core::Result<void> ChainCheck::check_missing_events() {
    const std::int64_t known = std::max(base_event_, forgotten_up_to_);
    if (report_.broken || gone_up_to_ <= known) return {};
    const auto first = connection_.number("SELECT coalesce(min(seq), 0) FROM link WHERE last_event > " +
                                          std::to_string(known));
    if (!first) return first.error();
    broken(*first,
           "events " + std::to_string(known + 1) + " to " + std::to_string(gone_up_to_) + " are missing");
    return {};
}

core::Result<void> ChainCheck::check_totals() {
    if (report_.broken) return {};
    const auto incarnation = connection_.number(
        "SELECT coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'incarnation'), 1)");
    if (!incarnation) return incarnation.error();
    if (incarnation_ && *incarnation != *incarnation_)
        broken(last_.sequence, "the incarnation is " + std::to_string(*incarnation) +
                                   ", and was committed as " + std::to_string(*incarnation_));
    const auto there = totals_in_tables(connection_);
    if (!there) return there.error();
    if (std::string differs = difference(totals_, *there, false); !differs.empty())
        broken(last_.sequence, std::move(differs));
    return check_hours(*incarnation);
}

// A row of hours stays with the incarnation that changed it last: those of former ones are not of this U.
core::Result<void> ChainCheck::check_hours(std::int64_t incarnation) {
    auto tranches = connection_.prepare(
        "SELECT t.id, t.used, (SELECT coalesce(sum(u.units - u.former), 0) FROM unit_hour u WHERE "
        "u.resource = t.resource AND u.tranche = t.id AND u.incarnation = ?) FROM tranche t");
    if (!tranches) return tranches.error();
    Cursor row = tranches->query(incarnation);
    for (;;) {
        const auto more = row.next();
        if (!more) return more.error();
        if (!*more) return {};
        if (row.integer(2) > row.integer(1))
            broken(last_.sequence, "the hours of tranche " + row.string(0) + " have more units than it used");
    }
}

}  // namespace meterbox::agent
