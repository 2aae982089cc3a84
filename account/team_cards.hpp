// The cards of a team for every resource of the catalogue, as of now.
#pragma once

#include <vector>

#include "account/catalogue.hpp"
#include "account/database.hpp"
#include "account/pool.hpp"
#include "account/settings.hpp"
#include "core/card.hpp"

namespace meterbox::account {

std::vector<core::Card> team_cards(Pool& pool, const Catalogue& catalogue, const Settings& settings,
                                   core::UtcTime now);

}  // namespace meterbox::account
