// Part of the audit: what the ledger's entries of one team add up to, read page by page. Entries are only
// ever added, and numbered in the order of their commits, so that what was read once stays right, and what is
// new is found behind it: after the last piece the sums are those of the store as it is in that moment,
// however much was committed between the pieces.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "account/audit_entries.hpp"
#include "account/database.hpp"

namespace meterbox::account {

// Where the units of a tranche are.
struct PlaceSums {
    std::int64_t purchased = 0;  // what came in from outside, less what went back
    std::int64_t available = 0;
    std::int64_t leased = 0;
    std::int64_t charged = 0;
    std::int64_t in_doubt = 0;
    std::int64_t expired = 0;
};

// What was moved into and out of one agent's lease of a tranche.
struct HoldingSums {
    std::int64_t granted = 0;
    std::int64_t used = 0;
    std::int64_t returned = 0;
};
using HoldingKey = std::tuple<std::int64_t, std::string, std::int64_t>;  // tranche, agent, incarnation

class LedgerSums {
public:
    LedgerSums(std::string team, std::int64_t page_rows) : team_(std::move(team)), page_rows_(page_rows) {}

    // Adds up until it is told that it is over; true: there is more. False: all that is committed is in the
    // sums, and was so in this call, without a break.
    bool add_up(Database& database, const std::function<bool()>& over);

    std::int64_t entries = 0;
    std::map<std::int64_t, PlaceSums> places;  // by tranche
    std::map<HoldingKey, HoldingSums> holdings;
    std::map<std::int64_t, std::int64_t> adjusted;  // units given back, by tranche
    EntryChecks checks;

private:
    void begin_pass(Database& database);
    bool read_page(Database& database, std::int64_t tranche);  // false: that was the last
    void add(std::int64_t tranche, platform::sql::Row& row);

    std::string team_;
    std::int64_t page_rows_;
    std::vector<std::int64_t> tranches_;
    std::size_t next_ = 0;                            // of tranches_, in this pass over them
    bool begun_ = false;                              // a pass
    bool unbroken_ = false;                           // it has been, so far
    std::int64_t found_ = 0;                          // entries, in this pass
    std::map<std::int64_t, std::int64_t> last_read_;  // entry, by tranche
};

}  // namespace meterbox::account
