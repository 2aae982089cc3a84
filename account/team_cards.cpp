// Feeding cards.hpp from the tables.
#include "account/team_cards.hpp"

#include "account/cards.hpp"

namespace meterbox::account {

std::vector<core::Card> team_cards(Pool& pool, const Catalogue& catalogue, const Settings& settings,
                                   core::UtcTime now) {
    std::vector<core::Card> cards;
    for (const core::Resource& resource : catalogue.resources) {
        const auto tranches = pool.of(resource.key);
        const bool had_grants = !tranches.empty() || pool.had_grants(resource.key);
        cards.push_back(
            make_card(resource, tranches, had_grants, pool.totals(resource.key), settings.low_percent, now));
    }
    return cards;
}

}  // namespace meterbox::account
