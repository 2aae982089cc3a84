// A team's tranches, loaded for one transaction: what has not ended, in draw order, and what ended if
// it was asked for. All changes go through the ledger; this is where rules find the tranches.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "account/database.hpp"
#include "account/ledger.hpp"
#include "account/tranche.hpp"

namespace meterbox::account {

class Pool {
public:
    // Those that have not ended, as far as anybody has looked (expire_ended).
    Pool(Database& database, std::string team);

    // Of a resource, in draw order.
    std::span<Tranche> of(const std::string& resource);
    // Of this team; loaded when it ended before. Null: no such tranche. Pointers and spans hold until
    // the next call that loads one.
    Tranche* find(std::int64_t id);
    // Moves to expired what is unleased of each tranche that has ended.
    void expire_ended(Ledger& ledger);

    // Whether the team ever had a grant of the resource.
    bool had_grants(const std::string& resource);

    const std::string& team() const { return team_; }

private:
    Tranche* known(std::int64_t id);
    void add(Tranche tranche);

    Database& database_;
    std::string team_;
    std::map<std::string, std::vector<Tranche>> by_resource_;
    std::vector<std::int64_t> ending_;  // loaded as not ended
};

}  // namespace meterbox::account
