// Tranche by tranche, from the latest tier on: its units by hour, booked anew.
#include "account/draw_order.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
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

    // Cycle by cycle of those that have late units, up to the end of this one's.
    void run_late(std::int64_t late_after) {
        begin();
        const core::UtcTime end = cycle_.from;
        late_ = late_units(late_after);
        std::set<std::pair<core::UtcTime, core::UtcTime>> cycles;
        for (const auto& [id, late] : *late_) cycles.emplace(late.cycle.from, std::min(late.cycle.to, end));
        for (const auto& [from, to] : cycles) {
            cycle_ = {from, to};
            for (const std::string& resource : resources()) correct(resource);
        }
    }

private:
    struct Late {
        core::Cycle cycle;
        Units units;
    };

    void begin() {
        pool_.expire_ended(ledger_);
        database_.each(
            "SELECT id, ended_at FROM grant_ WHERE team = ? AND ended_at IS NOT NULL",
            [&](auto& row) { ended_at_[row.integer(0)] = core::UtcTime{row.integer(1)}; }, pool_.team());
    }

    // By payg tranche. What an operator gave back is a line of its own, of whichever units.
    std::map<std::int64_t, Late> late_units(std::int64_t late_after) {
        std::map<std::int64_t, Late> late;
        database_.each(
            "SELECT t.id, t.starts_at, t.ends_at, sum(CASE WHEN l.to_ = 'charged' THEN l.units ELSE -l.units "
            "END) FROM tranche AS t JOIN ledger AS l ON l.tranche = t.id AND l.entry > ? WHERE t.team = ? "
            "AND t.tier = 'payg' AND t.starts_at < ? AND t.ends_at IS NOT NULL AND 'charged' IN (l.from_, "
            "l.to_) AND substr(l.reason, 1, 8) <> 'adjust: ' GROUP BY 1, 2, 3",
            [&](auto& row) {
                if (row.integer(3) > 0)
                    late[row.integer(0)] = {{{row.integer(1)}, {row.integer(2)}}, Units{row.integer(3)}};
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

    void correct(const std::string& resource) {
        std::vector<std::int64_t> ids;
        database_.each(
            "SELECT id FROM tranche WHERE team = ? AND resource = ? AND starts_at < ? AND (ends_at IS NULL "
            "OR "
            "ends_at > ?)",
            [&](auto& row) { ids.push_back(row.integer(0)); }, pool_.team(), resource, cycle_.to,
            cycle_.from);
        for (const std::int64_t id : ids) (void)pool_.find(id);  // loads what has ended
        for (std::size_t slots = pool_.of(resource).size(); slots-- > 0;) {
            const Tranche& tranche = pool_.of(resource)[slots];
            if (std::ranges::find(ids, tranche.id) != ids.end() && tranche.charged.value() > 0)
                correct(resource, slots);
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

    void correct(const std::string& resource, std::size_t slots) {
        std::vector<Tranche> tranches = candidates(resource);
        const auto earlier = [&](const Tranche& t) {
            return t.tier < tranches[slots].tier && t.available.value() > 0;
        };
        if (std::ranges::none_of(tranches, earlier)) return;
        Units left = movable(tranches[slots]);
        std::map<std::size_t, Units> moved;
        for (const Part& part : parts(tranches[slots].id)) {
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

    // Not what was counted for a lost agent: nobody knows when that was used. Nor what is on a final invoice.
    Units movable(const Tranche& tranche) {
        const Units heard = tranche.charged -
                            Units{database_.number(
                                "SELECT coalesce(sum(counted), 0) FROM doubt WHERE tranche = ?", tranche.id)};
        if (!late_ || tranche.tier != core::Tier::payg) return heard;
        const auto late = late_->find(tranche.id);
        return late == late_->end() ? Units{} : std::min(heard, late->second.units);
    }

    std::vector<Part> parts(std::int64_t tranche) {
        std::vector<Part> found;
        std::map<std::pair<std::string, std::int64_t>, Units> unknown;  // moved, of whichever hour
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
            core::hour_of(cycle_.from), core::hour_of(cycle_.to + (core::hour_ms - 1)), tranche);
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
        if (late_ && late_->contains(from.id)) late_->at(from.id).units -= units;
    }

    Database& database_;
    core::Cycle cycle_;
    Ledger ledger_;
    Pool pool_;
    std::map<std::int64_t, core::UtcTime> ended_at_;    // grants that an operator ended
    std::optional<std::map<std::int64_t, Late>> late_;  // none: the cycle's own invoice isn't final
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
