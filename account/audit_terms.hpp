// Part of the audit: what tranches and prices follow from. A tranche is its grant's: of its team, tier and
// resource, and as long as one of its cycles; units out of a pool are as the pool is. What a resource costs,
// and cost when a grant was made, is a price that is kept. Where only a zone whose rules have changed, or a
// clock that was set, tells two rows apart, that is a finding.
#pragma once

#include <string>
#include <vector>

#include "account/database.hpp"

namespace meterbox::account {

struct TermsCompared {
    std::vector<std::string> differences;
    std::vector<std::string> findings;
};
TermsCompared compare_terms(Database& database, const std::string& team);

}  // namespace meterbox::account
