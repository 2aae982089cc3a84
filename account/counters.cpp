// Check, then write.
#include "account/counters.hpp"

#include <algorithm>
#include <tuple>

#include "account/booking.hpp"
#include "account/counter_check.hpp"
#include "account/usage_check.hpp"
#include "core/mutant.hpp"

namespace meterbox::account {

using core::Units;

namespace {

// Units completed, by the hour as far as it was said.
std::vector<Completed> completed_of(const TrancheChange& change) {
    std::vector<Completed> completed;
    Units left = change.growth.used;
    for (const HourChange& hour : change.hours) {
        const Units here = std::min(left, hour.growth);
        if (here.value() > 0) completed.push_back({hour.hour, here});
        left -= here;
    }
    if (left.value() > 0) completed.push_back({std::nullopt, left});
    return completed;
}

// In the order of their table. Subjects that had control characters may have become one: the largest of it.
std::vector<core::wire::UsageRow> as_kept(std::vector<core::wire::UsageRow> rows) {
    const auto key = [](const auto& row) { return std::tie(row.hour.number, row.resource, row.subject); };
    std::ranges::sort(rows, [&](const auto& a, const auto& b) {
        return key(a) != key(b) ? key(a) < key(b) : a.usage > b.usage;
    });
    const auto same =
        std::ranges::unique(rows, [&](const auto& a, const auto& b) { return key(a) == key(b); });
    rows.erase(same.begin(), same.end());
    return rows;
}

class Write {
public:
    Write(Database& database, Ledger& ledger, Pool& pool, Known& known)
        : database_(database),
          ledger_(ledger),
          pool_(pool),
          known_(known),
          agent_(known.agent()),
          holder_{agent_.id, agent_.incarnation} {}

    void tranche(const TrancheChange& change) {
        std::int64_t by_hour = 0;
        for (const HourChange& hour : change.hours) by_hour += hour.growth.value();
        database_.run_each_of(
            "INSERT INTO unit_hour (agent, incarnation, hour, tranche, units) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (agent, incarnation, hour, tranche) DO UPDATE SET units = excluded.units",
            change.hours, [&](const HourChange& hour) {
                return std::tie(agent_.id, agent_.incarnation, hour.hour, change.tranche, hour.total);
            });
        if (!METERBOX_MUTANT(unit_uncharged)) charge(change);
        Tranche& slots = *pool_.find(change.tranche);
        ledger_.give_back(slots, change.growth.returned, "return", &holder_);
        known_.take(change.tranche, change.growth, by_hour);
    }

    void resource(const ResourceChange& change, const TotalsTold& told) {
        // One that was never heard of begins as active.
        const core::UtcTime active_at =
            change.active || !change.seen.any ? ledger_.now() : change.seen.active_at;
        const auto grown = told.find(change.resource);
        known_.take(change.resource,
                    {true, change.metered, change.remainder, change.overage_units, change.held, active_at,
                     grown == told.end() ? change.seen.told : grown->second},
                    change.rate_per_hour);
        const core::Amount remainder = change.remainder - change.seen.remainder;
        const Units overage = change.overage_units - change.seen.overage_units;
        const Units held = change.held - change.seen.held;
        if (remainder.value() == 0 && overage.value() == 0 && held.value() == 0) return;
        if (!in_sums(change.seen)) {
            database_.run(
                "INSERT INTO team_resource (team, resource, remainder, overage_units) "
                "VALUES (?, ?, 0, 0) ON CONFLICT DO NOTHING",
                agent_.team, change.resource);
        }
        pool_.add_to_totals(change.resource, remainder, overage, held);
    }

    // Where take_counters() hasn't done it.
    void told(const TotalsTold& totals) {
        for (const auto& [resource, total] : totals)
            if (known_.usage(resource).told != total) known_.tell(resource, total);
    }

    void usage(const std::vector<core::wire::UsageRow>& rows) {
        database_.run_each_of(
            "INSERT INTO usage (agent, incarnation, hour, resource, subject, amount) VALUES (?, ?, ?, ?, ?, "
            "?) "
            "ON CONFLICT (agent, incarnation, hour, resource, subject) DO UPDATE SET amount = "
            "excluded.amount "
            "WHERE excluded.amount > usage.amount",
            as_kept(rows), [this](const core::wire::UsageRow& row) {
                return std::tie(agent_.id, agent_.incarnation, row.hour, row.resource, row.subject,
                                row.usage);
            });
    }

private:
    // Then the sums have a row.
    static bool in_sums(const KnownUsage& seen) {
        return seen.remainder.value() > 0 || seen.overage_units.value() > 0 || seen.held.value() > 0;
    }

    void charge(const TrancheChange& change) {
        if (change.growth.used.value() == 0) return;
        const auto tranches = pool_.of(change.resource);
        const auto slots = static_cast<std::size_t>(
            std::ranges::find(tranches, change.tranche, &Tranche::id) - tranches.begin());
        const auto completed = completed_of(change);
        // What is unleased isn't known while the team learns: settle_overdrawn() looks at it afterwards.
        const Bookings booked =
            pool_.learning() ? Bookings{{{slots, change.growth.used}}, std::vector<Units>(completed.size())}
                             : book(tranches, slots, change.seen.since, completed, ledger_.now());
        for (std::size_t i = 0; i < completed.size(); ++i)
            note_moved(change.tranche, completed[i], booked.away[i]);
        for (const Booking& booking : booked.bookings) {
            if (booking.tranche == slots) {
                ledger_.move(tranches[slots], Place::leased, Place::charged, booking.units, "charge",
                             &holder_);
                continue;
            }
            ledger_.move(tranches[booking.tranche], Place::available, Place::charged, booking.units,
                         "draw order");
            ledger_.move(tranches[slots], Place::leased, free_place(tranches[slots], ledger_.now()),
                         booking.units, "draw order", &holder_);
        }
    }

    // For the last look at the draw order: these are charged to another tranche already.
    void note_moved(std::int64_t tranche, const Completed& part, Units units) {
        if (units.value() == 0) return;
        if (part.hour) {
            database_.run(
                "UPDATE unit_hour SET moved = moved + ? WHERE agent = ? AND incarnation = ? AND hour = ? AND "
                "tranche = ?",
                units, agent_.id, agent_.incarnation, *part.hour, tranche);
        } else {
            database_.run(
                "UPDATE holding SET moved_before = moved_before + ? WHERE agent = ? AND incarnation = ? AND "
                "tranche = ?",
                units, agent_.id, agent_.incarnation, tranche);
        }
    }

    Database& database_;
    Ledger& ledger_;
    Pool& pool_;
    Known& known_;
    const Agent& agent_;
    Holder holder_;
};

}  // namespace

core::Result<void> take_counters(Database& database, Ledger& ledger, Pool& pool, const Catalogue& catalogue,
                                 Known& known, const CounterMessage& message) {
    const auto changes = check_counters(database, pool, catalogue, known, message);
    if (!changes) {
        if (changes.error().code == core::ErrorCode::conflict) {
            keep_evidence(database, known.agent(), changes.error().detail, ledger.now());
        }
        return changes.error();
    }
    note_hours_to_come(database, known.agent(), message, ledger.now());
    Write write(database, ledger, pool, known);
    for (const TrancheChange& change : changes->tranches) write.tranche(change);
    for (const ResourceChange& change : changes->resources) write.resource(change, changes->usage.told);
    write.told(changes->usage.told);
    write.usage(changes->usage.rows);
    return {};
}

}  // namespace meterbox::account
