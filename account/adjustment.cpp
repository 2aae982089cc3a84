// Which tranches give back, in which order.
#include "account/adjustment.hpp"

#include <algorithm>
#include <tuple>

namespace meterbox::account {

using core::Units;

namespace {

struct Source {
    Tranche tranche;
    Units units;  // that can be given back
};

std::vector<std::pair<std::int64_t, Units>> charged_of(Database& database, const std::string& team,
                                                       const std::string& resource) {
    std::vector<std::pair<std::int64_t, Units>> charged;
    database.each(
        "SELECT id, units FROM (SELECT id, charged - (SELECT coalesce(sum(counted), 0) FROM doubt WHERE "
        "doubt.tranche = tranche.id) AS units FROM tranche WHERE team = ? AND resource = ?) AS charges WHERE "
        "units > 0",
        [&](auto& row) { charged.emplace_back(row.integer(0), Units{row.integer(1)}); }, team, resource);
    return charged;
}

// What is valid comes before what isn't; of that, what ended last.
bool given_back_before(const Tranche& a, const Tranche& b, core::UtcTime now) {
    const auto ended = [now](const Tranche& tranche) { return !tranche.valid_at(now); };
    if (ended(a) != ended(b)) return ended(b);
    if (ended(a) && a.ends_at != b.ends_at) return b.ends_at < a.ends_at;
    return drawn_before(b, a);
}

}  // namespace

bool is_adjustment(std::string_view ledger_reason) {
    return ledger_reason.starts_with(adjustment_reason);
}

Units adjustable(Database& database, const std::string& team, const std::string& resource) {
    Units sum;
    for (const auto& [tranche, units] : charged_of(database, team, resource)) sum += units;
    return sum;
}

std::vector<GivenBack> give_back(Database& database, Ledger& ledger, Pool& pool, const std::string& resource,
                                 Units units, std::string_view reason) {
    std::vector<Source> sources;
    for (const auto& [id, charged] : charged_of(database, pool.team(), resource)) {
        const Tranche* const tranche = pool.find(id);
        if (!tranche) return {};  // it couldn't be read: the job fails
        sources.push_back({*tranche, charged});
    }
    std::ranges::sort(sources, [now = ledger.now()](const Source& a, const Source& b) {
        return given_back_before(a.tranche, b.tranche, now);
    });

    std::vector<GivenBack> given;
    for (const Source& source : sources) {
        const Units here = std::min(units, source.units);
        if (here.value() == 0) break;
        units -= here;
        Tranche& tranche = *pool.find(source.tranche.id);
        ledger.move(tranche, Place::charged, free_place(tranche, ledger.now()), here,
                    std::string(adjustment_reason) + std::string(reason));
        given.push_back({tranche.id, tranche.tier, here});
    }
    METERBOX_ASSERT(units.value() == 0 || database.failed());
    return given;
}

}  // namespace meterbox::account
