#include "agent/stated_totals.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace meterbox::agent {

using platform::sqlite::Blob;
using platform::sqlite::Cursor;

namespace {

// Of links that are read from the newest to the oldest: what is known already is newer.
void take_older(TotalsByResource& known, const core::LinkState& state) {
    for (auto stated = state.resources.rbegin(); stated != state.resources.rend(); ++stated) {
        const auto [place, is_new] = known.try_emplace(stated->resource, *stated);
        if (is_new) continue;
        for (const core::TrancheTotals& tranche : stated->tranches)
            if (!tranche_of(place->second, tranche.tranche)) place->second.tranches.push_back(tranche);
    }
}

std::string difference(const core::ResourceTotals& stated, const core::ResourceTotals& there, bool all) {
    if (there.metered != stated.metered)
        return "what was metered of " + stated.resource + " is " + std::to_string(there.metered.value()) +
               ", and was committed as " + std::to_string(stated.metered.value());
    const auto differs = [&](const core::TrancheTotals& tranche, const core::ResourceTotals& other) {
        const core::TrancheTotals* const found = tranche_of(other, tranche.tranche);
        return found ? *found != tranche : tranche != core::TrancheTotals{tranche.tranche, {}, {}, {}};
    };
    for (const core::TrancheTotals& tranche : stated.tranches)
        if (differs(tranche, there))
            return "the units of tranche " + tranche.tranche + " of " + stated.resource +
                   " are not those that were committed";
    if (!all) return {};
    for (const core::TrancheTotals& tranche : there.tranches)
        if (differs(tranche, stated))
            return "tranche " + tranche.tranche + " of " + stated.resource + " was never committed";
    return {};
}

}  // namespace

const core::TrancheTotals* tranche_of(const core::ResourceTotals& totals, const std::string& tranche) {
    const auto found = std::ranges::find(totals.tranches, tranche, &core::TrancheTotals::tranche);
    return found == totals.tranches.end() ? nullptr : &*found;
}

core::Result<TotalsByResource> totals_in_tables(platform::sqlite::Connection& connection) {
    auto rows = connection.prepare(
        "SELECT r.key, r.metered, t.id, t.granted, t.used, t.returned FROM resource r "
        "LEFT JOIN tranche t ON t.resource = r.id");
    if (!rows) return rows.error();
    TotalsByResource totals;
    Cursor row = rows->query();
    for (;;) {
        const auto more = row.next();
        if (!more) return more.error();
        if (!*more) return totals;
        core::ResourceTotals& resource = totals[row.string(0)];
        resource.resource = row.string(0);
        resource.metered = core::Amount{row.integer(1)};
        if (row.is_null(2)) continue;
        resource.tranches.push_back({row.string(2), core::Units{row.integer(3)}, core::Units{row.integer(4)},
                                     core::Units{row.integer(5)}});
    }
}

std::string difference(const TotalsByResource& stated, const TotalsByResource& there, bool all) {
    for (const auto& [key, totals] : stated) {
        const auto found = there.find(key);
        if (found == there.end()) return "resource " + key + " is missing";
        if (std::string differs = difference(totals, found->second, all); !differs.empty()) return differs;
    }
    if (!all) return {};
    for (const auto& [key, totals] : there)
        if (!stated.contains(key))
            if (std::string differs = difference({key, {}, {}}, totals, all); !differs.empty())
                return differs;
    return {};
}

core::Result<std::string> difference_from_links(platform::sqlite::Connection& connection,
                                                std::int64_t links_max) {
    auto there = totals_in_tables(connection);
    if (!there) return there.error();
    auto newest_first = connection.prepare("SELECT seq, state FROM link ORDER BY seq DESC LIMIT ?");
    if (!newest_first) return newest_first.error();
    TotalsByResource stated;
    bool all = false;
    Cursor row = newest_first->query(links_max);
    while (!all) {
        const auto more = row.next();
        if (!more) return more.error();
        if (!*more) break;
        const Blob bytes = row.blob(1);
        const auto state = core::link_state_from({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
        if (!state) return "link " + std::to_string(row.integer(0)) + ": " + state.error().detail;
        take_older(stated, *state);
        all = state->start || state->incarnation;  // such a link names everything that there was
    }
    return difference(stated, *there, all);
}

}  // namespace meterbox::agent
