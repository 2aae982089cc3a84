// Feeding cards.hpp from the tables.
#include "account/team_cards.hpp"

#include "account/cards.hpp"

namespace meterbox::account {

std::vector<core::Card> team_cards(Database& database, Pool& pool, const Catalogue& catalogue,
                                   const Settings& settings, core::UtcTime now) {
    std::vector<core::Card> cards;
    for (const core::Resource& resource : catalogue.resources) {
        const auto totals = database.first(
            "SELECT remainder, overage_units, held FROM team_resource WHERE team = ? AND resource = ?",
            [](auto& row) {
                return PoolTotals{core::Amount{row.integer(0)}, core::Units{row.integer(1)},
                                  core::Units{row.integer(2)}};
            },
            pool.team(), resource.key);
        const auto tranches = pool.of(resource.key);
        const bool had_grants = !tranches.empty() || pool.had_grants(resource.key);
        cards.push_back(make_card(resource, tranches, had_grants, totals.value_or(PoolTotals{}),
                                  settings.low_percent, now));
    }
    return cards;
}

}  // namespace meterbox::account
