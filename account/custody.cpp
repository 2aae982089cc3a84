// The custodian's rows: agent, agent_resource, holding.
#include "account/custody.hpp"

#include <algorithm>
#include <vector>

#include "account/known.hpp"
#include "account/set_aside.hpp"
#include "account/team_sums.hpp"
#include "account/tickets.hpp"

namespace meterbox::account {

using core::Amount;
using core::Units;

namespace {

// Hello says no hours, and nobody tells any more in which ones units of an incarnation that has ended were
// completed: they are of the hour in which they were heard of, as far as their tranche was valid.
void settle_hours(Database& database, const Agent& agent, core::UtcTime now) {
    struct Rest {
        std::int64_t tranche = 0;
        core::Units units;
        core::UtcHour hour;
    };
    std::vector<Rest> rests;
    database.each(
        "SELECT tranche, used - in_hours, starts_at, ends_at FROM holding JOIN tranche ON tranche.id = "
        "holding.tranche WHERE agent = ? AND incarnation = ? AND used > in_hours",
        [&](auto& row) {
            core::UtcTime at = now;
            if (!row.is_null(3)) at = std::min(at, core::UtcTime{row.integer(3)} + -1);
            at = std::max(at, core::UtcTime{row.integer(2)});
            rests.push_back({row.integer(0), core::Units{row.integer(1)}, core::hour_of(at)});
        },
        agent.id, agent.incarnation);
    for (const Rest& rest : rests) {
        database.run(
            "INSERT INTO unit_hour (agent, incarnation, hour, tranche, units) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (agent, incarnation, hour, tranche) DO UPDATE SET units = unit_hour.units + "
            "excluded.units",
            agent.id, agent.incarnation, rest.hour, rest.tranche, rest.units);
        database.run("UPDATE holding SET in_hours = used WHERE agent = ? AND incarnation = ? AND tranche = ?",
                     agent.id, agent.incarnation, rest.tranche);
    }
}

}  // namespace

Custody::Custody(Database& database, Ledger& ledger, Pool& pool, std::string heard)
    : database_(database), ledger_(ledger), pool_(pool), heard_(std::move(heard)) {
    agent_.id = "custody/" + pool.team();
    agent_.team = pool.team();
    holder_ = {agent_.id, agent_.incarnation};
}

void Custody::ensure() {
    database_.run(
        "INSERT INTO agent (id, team, name, state, incarnation, key_fingerprint, certificate_fingerprint, "
        "certificate, certificate_expires_at, acknowledged, acknowledged_hash, lease_number, enrolled_at) "
        "VALUES (?1, ?2, 'custody', 'retired', 1, '', ?1, '', 0, 0, '', 0, ?3) ON CONFLICT DO NOTHING",
        agent_.id, agent_.team, ledger_.now());
}

void Custody::take_over(const Agent& from) {
    settle_hours(database_, from, ledger_.now());
    ensure();
    std::vector<Kept> handed;
    database_.each(
        "SELECT resource, unit_size, remainder, overage_units FROM agent_resource JOIN resource ON "
        "resource.key = agent_resource.resource WHERE agent = ? AND incarnation = ? AND "
        "(remainder > 0 OR overage_units > 0) AND kind = 'exhaustible'",
        [&](auto& row) {
            handed.push_back(
                {row.string(0), Amount{row.integer(1)}, {}, Amount{row.integer(2)}, Units{row.integer(3)}});
        },
        from.id, from.incarnation);
    // What is held is said anew by whoever goes on holding it.
    database_.run(
        "UPDATE agent_resource SET held = 0, overage_units = CASE (SELECT kind FROM resource WHERE key = "
        "agent_resource.resource) WHEN 'returnable' THEN 0 ELSE overage_units END WHERE agent = ? AND "
        "incarnation = ?",
        from.id, from.incarnation);
    for (const Kept& part : handed) {
        database_.run(
            "UPDATE agent_resource SET remainder = 0, overage_units = 0 WHERE agent = ? AND incarnation = ? "
            "AND resource = ?",
            from.id, from.incarnation, part.resource);
        database_.run(
            "INSERT INTO handed_over (agent, incarnation, resource, remainder, overage_units) "
            "VALUES (?, ?, ?, ?, ?)",
            from.id, from.incarnation, part.resource, part.remainder, part.overage);
        const Amount amount = part.remainder + Amount{part.overage.value() * part.unit_size.value()};
        database_.run(
            "INSERT INTO agent_resource (agent, incarnation, resource, metered, remainder, overage_units, "
            "rate_per_hour) VALUES (?, 1, ?, 0, 0, 0, 0) ON CONFLICT DO NOTHING",
            agent_.id, part.resource);
        // The team's sums stay as they are, but for remainders that complete a unit.
        database_.run(
            "UPDATE agent_resource SET metered = metered + ?1, overage_units = overage_units + ?2 + "
            "(remainder + ?3) / ?4, remainder = (remainder + ?3) % ?4 WHERE agent = ?5 AND resource = ?6",
            amount, part.overage, part.remainder, part.unit_size, agent_.id, part.resource);
    }
    add_up_anew(database_, agent_.team);
}

void Custody::take_slots(const Agent& from, Tranche& tranche, Units units) {
    ensure();
    const Holder holder{from.id, from.incarnation};
    ledger_.move(tranche, Place::leased, free_place(tranche, ledger_.now()), units, "hand over", &holder);
    database_.run(
        "UPDATE holding SET returned = returned + ? WHERE agent = ? AND incarnation = ? AND tranche = ?",
        units, from.id, from.incarnation, tranche.id);
    lease(tranche, units, "hand over");
}

void Custody::settle() {
    if (pool_.learning()) return;
    // Most teams have no custodian; and nothing that a sync writes can make that another answer.
    if (database_.number("SELECT count(*) FROM agent WHERE id = ?", agent_.id) == 0) return;
    std::vector<Kept> all;
    database_.each(
        "SELECT resource, unit_size, metered, remainder, overage_units FROM agent_resource JOIN resource ON "
        "resource.key = agent_resource.resource WHERE agent = ? AND (overage_units > 0 OR EXISTS "
        "(SELECT 1 FROM holding WHERE holding.agent = agent_resource.agent AND used + returned < granted))",
        [&](auto& row) {
            all.push_back({row.string(0), Amount{row.integer(1)}, Amount{row.integer(2)},
                           Amount{row.integer(3)}, Units{row.integer(4)}});
        },
        agent_.id);
    for (const Kept& kept : all) settle(kept);
}

void Custody::settle(Kept kept) {
    const Kept before = kept;
    Units needed{kept.remainder > Amount{} ? 1 : 0};  // a slot that came along waits for the next unit
    for (Tranche& tranche : pool_.of(kept.resource)) {
        const Units own = left(tranche);
        const bool valid = tranche.valid_at(ledger_.now());
        const Units taken = valid ? std::min(own, kept.overage) : Units{};
        charge(tranche, taken);
        kept.overage -= taken;
        const Units waits = valid ? std::min(own - taken, needed) : Units{};
        needed -= waits;
        give_back(tranche, own - taken - waits);
    }
    if (kept.overage.value() > 0) take_of_pool(kept);
    if (kept.overage != before.overage) store(kept, before);
}

// What it has no slot for comes after whoever waits with a ticket (I18). Those of agents that are silent are
// still there where nobody syncs any more.
void Custody::take_of_pool(Kept& kept) {
    std::vector<Ticket> line = tickets_of(database_, agent_.team);
    std::erase_if(line, [&](const Ticket& ticket) { return is_given_up(ticket, heard_, ledger_.now()); });
    if (std::ranges::find(line, kept.resource, &Ticket::resource) != line.end()) return;
    const Units aside = set_aside(pool_, line, agent_.id, kept.resource, ledger_.now()).older;
    Units left = Units{} - aside;
    for (const Tranche& tranche : pool_.of(kept.resource))
        if (tranche.valid_at(ledger_.now()) && !tranche.open()) left += std::max(Units{}, tranche.available);
    for (Tranche& tranche : pool_.of(kept.resource)) {
        if (!tranche.valid_at(ledger_.now())) continue;
        // Draw order: beyond what others wait for there is nothing.
        if (tranche.open() && aside.value() > 0) return;
        const Units there =
            tranche.open() ? room_of_open(tranche) : std::clamp(tranche.available, Units{}, left);
        const Units taken = std::min(kept.overage, there);
        lease(tranche, taken, "lease");
        charge(tranche, taken);
        kept.overage -= taken;
        if (!tranche.open()) left -= taken;
    }
}

Units Custody::left(const Tranche& tranche) {
    return known_left(database_, agent_, tranche.id);
}

void Custody::lease(Tranche& tranche, Units units, std::string_view reason) {
    if (units.value() == 0) return;
    ledger_.move(tranche, free_place(tranche, ledger_.now()), Place::leased, units, reason, &holder_);
    database_.run(
        "INSERT INTO holding (agent, incarnation, tranche, granted, used, returned, in_hours, since) "
        "VALUES (?, 1, ?, ?, 0, 0, 0, ?) "
        "ON CONFLICT (agent, incarnation, tranche) DO UPDATE SET granted = holding.granted + "
        "excluded.granted",
        agent_.id, tranche.id, units, ledger_.now());
}

// Completed by now, so R3 draws it from the first tier that has a unit now, whatever slot it takes.
void Custody::charge(Tranche& slots, Units units) {
    if (units.value() == 0) return;
    const Units moved = charge_earlier(slots, units);
    ledger_.move(slots, Place::leased, Place::charged, units - moved, "charge", &holder_);
    ledger_.move(slots, Place::leased, free_place(slots, ledger_.now()), moved, "draw order", &holder_);
    database_.run(
        "UPDATE holding SET used = used + ?1, in_hours = in_hours + ?1 WHERE agent = ?2 AND incarnation = 1 "
        "AND tranche = ?3",
        units, agent_.id, slots.id);
    database_.run(
        "INSERT INTO unit_hour (agent, incarnation, hour, tranche, units, moved) VALUES (?, 1, ?, ?, ?, ?) "
        "ON CONFLICT (agent, incarnation, hour, tranche) DO UPDATE SET units = unit_hour.units + "
        "excluded.units, moved = unit_hour.moved + excluded.moved",
        agent_.id, core::hour_of(ledger_.now()), slots.id, units, moved);
}

Units Custody::charge_earlier(const Tranche& slots, Units units) {
    Units left = units;
    for (Tranche& earlier : pool_.of(slots.resource)) {
        if (earlier.tier >= slots.tier || !earlier.valid_at(ledger_.now())) continue;
        const Units here = std::clamp(earlier.available, Units{}, left);
        ledger_.move(earlier, Place::available, Place::charged, here, "draw order");
        left -= here;
    }
    return units - left;
}

void Custody::give_back(Tranche& tranche, Units units) {
    if (units.value() == 0) return;
    ledger_.move(tranche, Place::leased, free_place(tranche, ledger_.now()), units, "return", &holder_);
    database_.run(
        "UPDATE holding SET returned = returned + ? WHERE agent = ? AND incarnation = 1 AND tranche = ?",
        units, agent_.id, tranche.id);
}

void Custody::store(const Kept& kept, const Kept& before) {
    database_.run("UPDATE agent_resource SET overage_units = ? WHERE agent = ? AND resource = ?",
                  kept.overage, agent_.id, kept.resource);
    pool_.add_to_totals(kept.resource, {}, kept.overage - before.overage, {});
}

}  // namespace meterbox::account
