// Passes over the team's tranches, each shorter than the one before, until one found next to nothing: the
// next is then made without a break.
#include "account/audit_sums.hpp"

#include "account/adjustment.hpp"

namespace meterbox::account {

namespace {

void move(PlaceSums& places, std::string_view place, std::int64_t units) {
    if (place == "purchase") places.purchased -= units;
    if (place == "available") places.available += units;
    if (place == "leased") places.leased += units;
    if (place == "charged") places.charged += units;
    if (place == "in_doubt") places.in_doubt += units;
    if (place == "expired") places.expired += units;
}

}  // namespace

// Tranches that are new since the last pass have entries, too.
void LedgerSums::begin_pass(Database& database) {
    begun_ = true;
    unbroken_ = true;
    found_ = 0;
    next_ = 0;
    tranches_.clear();
    database.each(
        "SELECT id FROM tranche WHERE team = ? ORDER BY id",
        [&](auto& row) { tranches_.push_back(row.integer(0)); }, team_);
}

bool LedgerSums::add_up(Database& database, const std::function<bool()>& over) {
    bool to_the_end = false;  // little is left: it is read in one go
    while (!database.failed()) {
        if (!begun_) begin_pass(database);
        while (next_ < tranches_.size() && !database.failed()) {
            if (!read_page(database, tranches_[next_])) ++next_;
            if (!over() || to_the_end) continue;
            unbroken_ = false;
            return true;
        }
        begun_ = false;
        if (unbroken_) return false;
        to_the_end = found_ < page_rows_;
    }
    return false;
}

bool LedgerSums::read_page(Database& database, std::int64_t tranche) {
    std::int64_t read = 0;
    database.each(
        "SELECT entry, from_, to_, reason, coalesce(agent, ''), coalesce(incarnation, 0), units, at "
        "FROM ledger WHERE tranche = ? AND entry > ? ORDER BY entry LIMIT ?",
        [&](auto& row) {
            ++read;
            add(tranche, row);
        },
        tranche, last_read_[tranche], page_rows_);
    found_ += read;
    return read == page_rows_;
}

void LedgerSums::add(std::int64_t tranche, platform::sql::Row& row) {
    last_read_[tranche] = row.integer(0);
    ++entries;
    const auto from = row.text(1);
    const auto to = row.text(2);
    const std::int64_t units = row.integer(6);
    checks.look(tranche, {row.integer(0), {row.integer(7)}, from, to, row.text(3)});
    PlaceSums& sums = places[tranche];
    if (from == "charged" && is_adjustment(row.text(3))) adjusted[tranche] += units;
    move(sums, from, -units);
    move(sums, to, units);
    if (from != "leased" && to != "leased") return;
    HoldingSums& holding = holdings[{tranche, row.string(4), row.integer(5)}];
    if (to == "leased") {  // what was taken for lost comes back to the lease that it was of
        if (row.text(3) == "heard again")
            holding.returned -= units;
        else
            holding.granted += units;
    }
    if (from != "leased") return;
    // A unit booked to an earlier tier was used all the same, and its slot came free.
    const bool used = to == "charged" || row.text(3) == "draw order";
    (used ? holding.used : holding.returned) += units;
}

}  // namespace meterbox::account
