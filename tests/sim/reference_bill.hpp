// A second opinion: what each team has to be charged, worked out from what products know and from the
// rules alone (docs/ARCHITECTURE.md, Words), with nothing of the product's code. Integers throughout.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace meterbox::sim {

// Usage that happened: a report, or a whole session.
struct Fact {
    std::string team;
    std::string agent;
    std::string resource;
    std::int64_t amount = 0;
};

struct BilledGrant {
    std::string team;
    std::string resource;
    bool unlimited = false;
    std::int64_t amount = 0;  // units
    bool valid_at_the_end = false;
};

struct BillLine {
    std::int64_t usage = 0;
    std::int64_t completed_units = 0;  // by all agents, each for itself
    std::int64_t remainders = 0;       // usage that has filled no unit
    std::int64_t sold_units = 0;       // of grants with a limit; -1: one has none
};

using Bill = std::map<std::pair<std::string, std::string>, BillLine>;  // by team and resource

// unit_sizes: of what is charged at all.
Bill reference_bill(const std::vector<Fact>& facts, const std::vector<BilledGrant>& grants,
                    const std::map<std::string, std::int64_t>& unit_sizes);

// What an account says, held against it.
struct AccountLine {
    std::int64_t charged_units = 0;
    std::int64_t overage_units = 0;
    std::int64_t remainders = 0;
    std::int64_t still_to_be_had = 0;  // unleased units of grants valid at the end
    bool open_at_the_end = false;      // a grant without limit is valid
};
// Empty: they agree. Else what doesn't. has_tokens: more can be charged than units were sold.
std::string disagreement(const BillLine& bill, const AccountLine& account, bool has_tokens);

// What each team was charged beyond the units that it bought must fit into its tokens, all resources
// together, each unit at the least that it can cost. Empty: it does.
std::string tokens_overspent(const Bill& bill,
                             const std::map<std::pair<std::string, std::string>, AccountLine>& lines,
                             const std::map<std::string, std::int64_t>& tokens,
                             const std::map<std::string, std::int64_t>& least_rates);

}  // namespace meterbox::sim
