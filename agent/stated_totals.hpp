// What the links of the chain state of the journal's totals, against the tables that hold them. They are
// written in one commit, so where they differ somebody changed the database behind the journal's back.
// Asked at each start, before anything is written, of the newest links; `meterbox verify` asks it of all.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "core/chain.hpp"
#include "core/error.hpp"
#include "core/limits.hpp"
#include "platform/sqlite/connection.hpp"

namespace meterbox::agent {

using TotalsByResource = std::map<std::string, core::ResourceTotals>;

const core::TrancheTotals* tranche_of(const core::ResourceTotals& totals, const std::string& tranche);

core::Result<TotalsByResource> totals_in_tables(platform::sqlite::Connection& connection);

// The first of what is stated that isn't so there; empty: none. all: whatever isn't stated is 0.
std::string difference(const TotalsByResource& stated, const TotalsByResource& there, bool all);

// Compares the tables with the links since the last start, at most so many. Empty: as they state it.
core::Result<std::string> difference_from_links(platform::sqlite::Connection& connection,
                                                std::int64_t links_max = core::limits::links_compared_max);

}  // namespace meterbox::agent
