// Tranche by tranche, from the latest tier on: its units by hour, booked anew.
#include "account/draw_order.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include "account/booking.hpp"
#include "account/ledger.hpp"
#include "account/pool.hpp"

namespace meterbox::account {

using core::Units;

namespace {

constexpr std::string_view reason = "draw order";  // as of units that are booked so at once

// Units that an agent completed in an hour, as far as they are still charged to the tranche of their slots.
struct Part {
    std::string agent;
    std::int64_t incarnation = 1;
    core::UtcHour hour;
    Units units;
    core::UtcTime slots_since;
};

class Correction {
public:
    Correction(Database& database, const std::string& team, const core::Cycle& cycle, core::UtcTime now)
        : database_(database), cycle_(cycle), ledger_(database, now), pool_(database, team) {}

    void run() {
        begin();
        for (const std::string& resource : resources()) correct(resource);
    }

    // Tranche by tranche of those that have late units.
    void run_late(std::int64_t late_after) {
        begin();
        for (const Late& late : late_units(late_after)) {
            load(late.resource, late.cycle);
            const auto& tranches = pool_.of(late.resource);
            const auto slots = std::ranges::find(tranches, late.tranche, &Tranche::id);
            if (slots == tranches.end()) continue;  // it couldn't be read: the job fails
            correct(late.resource, static_cast<std::size_t>(slots - tranches.begin()),
                    [&] { return late_parts(late); });
        }
    }

private:
    using Holders = std::map<std::pair<std::string, std::int64_t>, Units>;  // agent, incarnation
    struct Late {
        std::int64_t tranche = 0;
        std::string resource;
        core::Cycle cycle;
        Holders units;
    };

    void begin() {
        pool_.expire_ended(ledger_);
        database_.each(
            "SELECT id, ended_at FROM grant_ WHERE team = ? AND ended_at IS NOT NULL",
            [&](auto& row) { ended_at_[row.integer(0)] = core::UtcTime{row.integer(1)}; }, pool_.team());
    }

    // Of payg, as agents told them; not what is on a final invoice because it was counted for a lost agent
    // that has told it since. A tranche without end is of before there were cycles.
    std::vector<Late> late_units(std::int64_t late_after) {
        std::vector<Late> late;
        database_.each(
            "SELECT t.id, t.resource, t.starts_at, t.ends_at, l.agent, l.incarnation, "
            "sum(CASE WHEN l.reason = 'charge' THEN l.units ELSE 0 END), "
            "sum(CASE WHEN l.to_ = 'charged' THEN l.units ELSE -l.units END) "
            "FROM tranche AS t JOIN ledger AS l ON l.tranche = t.id AND l.entry > ? "
            "WHERE t.team = ? AND t.tier = 'payg' AND t.starts_at < ? AND t.ends_at IS NOT NULL "
            "AND 'charged' IN (l.from_, l.to_) AND l.reason IN ('charge', 'count', 'heard again') "
            "GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY t.id",
            [&](auto& row) {
                const Units told{std::min(row.integer(6), row.integer(7))};
                if (told <= Units{}) return;
                if (late.empty() || late.back().tranche != row.integer(0))
                    late.push_back({row.integer(0), row.string(1), {{row.integer(2)}, {row.integer(3)}}, {}});
                late.back().units[{row.string(4), row.integer(5)}] = told;
            },
            late_after, pool_.team(), cycle_.from);
        return late;
    }

    // Where something is charged that might be elsewhere.
    std::vector<std::string> resources() {
        std::vector<std::string> found;
        database_.each(
            "SELECT DISTINCT resource FROM tranche WHERE team = ? AND resource <> '' AND tier <> 'free' AND "
            "charged > 0 AND starts_at < ? AND (ends_at IS NULL OR ends_at > ?)",
            [&](auto& row) { found.push_back(row.string(0)); }, pool_.team(), cycle_.to, cycle_.from);
        return found;
    }

    // What was valid in the cycle, ended or not.
    std::vector<std::int64_t> load(const std::string& resource, const core::Cycle& cycle) {
        std::vector<std::int64_t> ids;
        database_.each(
            "SELECT id FROM tranche WHERE team = ? AND resource = ? AND starts_at < ? AND (ends_at IS NULL "
            "OR "
            "ends_at > ?)",
            [&](auto& row) { ids.push_back(row.integer(0)); }, pool_.team(), resource, cycle.to, cycle.from);
        for (const std::int64_t id : ids) (void)pool_.find(id);
        return ids;
    }

    void correct(const std::string& resource) {
        const std::vector<std::int64_t> ids = load(resource, cycle_);
        const std::int64_t first = core::hour_of(cycle_.from).number;
        const std::int64_t end = core::hour_of(cycle_.to + (core::hour_ms - 1)).number;
        for (std::size_t slots = pool_.of(resource).size(); slots-- > 0;) {
            const Tranche& tranche = pool_.of(resource)[slots];
            if (std::ranges::find(ids, tranche.id) != ids.end() && tranche.charged.value() > 0)
                correct(resource, slots, [&] { return parts(tranche.id, first, end); });
        }
    }

    // As far as there is something to draw from, in `available`, whether it has expired or not.
    std::vector<Tranche> candidates(const std::string& resource) {
        std::vector<Tranche> tranches(pool_.of(resource).begin(), pool_.of(resource).end());
        for (Tranche& tranche : tranches) {
            const Tranche& units = tranche.pool ? *tranche.pool : tranche;
            const Units left = units.ended ? units.expired : units.available;
            tranche.available = Units{std::max<std::int64_t>(0, left.value()) / tranche.rate};
            const auto ended = ended_at_.find(tranche.grant);
            if (ended != ended_at_.end())
                tranche.ends_at = std::min(tranche.ends_at.value_or(ended->second), ended->second);
        }
        return tranches;
    }

    // completed_parts: asked for where there is something to draw from.
    template <class Parts>
    void correct(const std::string& resource, std::size_t slots, const Parts& completed_parts) {
        std::vector<Tranche> tranches = candidates(resource);
        const auto earlier = [&](const Tranche& t) {
            return t.tier < tranches[slots].tier && t.available.value() > 0;
        };
        if (std::ranges::none_of(tranches, earlier)) return;
        Units left = movable(tranches[slots]);
        std::map<std::size_t, Units> moved;
        for (const Part& part : completed_parts()) {
            if (left.value() == 0) break;
            const std::vector<Completed> completed{{part.hour, std::min(left, part.units)}};
            const Bookings booked = book(tranches, slots, part.slots_since, completed, ledger_.now());
            for (const Booking& booking : booked.bookings) {
                if (booking.tranche == slots) continue;
                tranches[booking.tranche].available -= booking.units;
                moved[booking.tranche] += booking.units;
            }
            left -= booked.away[0];
            note_moved(part, tranches[slots].id, booked.away[0]);
        }
        for (const auto& [to, units] : moved) move(pool_.of(resource)[slots], pool_.of(resource)[to], units);
    }

    // Not what was counted for a lost agent: nobody knows when that was used.
    Units movable(const Tranche& tranche) {
        return tranche.charged -
               Units{database_.number("SELECT coalesce(sum(counted), 0) FROM doubt WHERE tranche = ?",
                                      tranche.id)};
    }

    // An agent completes units in the order of its clock: the last ones are those that it told last. Those
    // whose hour isn't known stay where they are.
    std::vector<Part> late_parts(const Late& late) {
        std::vector<Part> found = parts(late.tranche, 0, std::numeric_limits<std::int64_t>::max());
        Holders left = late.units;
        for (auto part = found.rbegin(); part != found.rend(); ++part) {
            Units& of_holder = left[{part->agent, part->incarnation}];
            part->units = std::min(part->units, of_holder);
            of_holder -= part->units;
        }
        std::erase_if(found, [](const Part& part) { return part.units.value() == 0; });
        return found;
    }

    // In the hours from `first` on, before `end`.
    std::vector<Part> parts(std::int64_t tranche, std::int64_t first, std::int64_t end) {
        std::vector<Part> found;
        Holders unknown;  // moved, of whichever hour
        database_.each(
            "SELECT h.agent, h.incarnation, u.hour, u.units - u.moved, h.since, h.moved_before FROM holding "
            "AS "
            "h JOIN unit_hour AS u ON u.agent = h.agent AND u.incarnation = h.incarnation AND u.tranche = "
            "h.tranche AND u.hour >= ? AND u.hour < ? WHERE h.tranche = ? AND u.units > u.moved ORDER BY "
            "u.hour, h.agent, h.incarnation",
            [&](auto& row) {
                Part part{
                    row.string(0), row.integer(1), {row.integer(2)}, Units{row.integer(3)}, {row.integer(4)}};
                Units& before =
                    unknown.try_emplace({part.agent, part.incarnation}, Units{row.integer(5)}).first->second;
                const Units taken = std::min(before, part.units);
                before -= taken;
                part.units -= taken;
                if (part.units.value() > 0) found.push_back(std::move(part));
            },
            first, end, tranche);
        return found;
    }

    void note_moved(const Part& part, std::int64_t tranche, Units units) {
        if (units.value() == 0) return;
        database_.run(
            "UPDATE unit_hour SET moved = moved + ? WHERE agent = ? AND incarnation = ? AND hour = ? AND "
            "tranche = ?",
            units, part.agent, part.incarnation, part.hour, tranche);
    }

    void move(Tranche& from, Tranche& to, Units units) {
        const bool ended = to.pool ? to.pool->ended : to.ended;
        ledger_.move(to, ended ? Place::expired : Place::available, Place::charged, units, reason);
        ledger_.move(from, Place::charged, free_place(from, ledger_.now()), units, reason);
    }

    Database& database_;
    core::Cycle cycle_;
    Ledger ledger_;
    Pool pool_;
    std::map<std::int64_t, core::UtcTime> ended_at_;  // grants that an operator ended
};

}  // namespace

void correct_draw_order(Database& database, const std::string& team, const core::Cycle& cycle,
                        core::UtcTime now) {
    Correction(database, team, cycle, now).run();
}

void correct_late_draw_order(Database& database, const std::string& team, const core::Cycle& cycle,
                             std::int64_t late_after, core::UtcTime now) {
    Correction(database, team, cycle, now).run_late(late_after);
}

}  // namespace meterbox::account
