// Epochs, and the flags of the agents whose word is awaited.
#include "account/learning.hpp"

#include <algorithm>
#include <utility>

#include "account/doubt.hpp"
#include "account/known.hpp"
#include "account/lease_keys.hpp"
#include "core/mutant.hpp"

namespace meterbox::account {

using core::Units;

namespace {
constexpr std::int64_t incidents_max = 100;  // of a team: an agent that lies could go on and on
}

// Those that may come back and have units.
#define LEARNS "CASE WHEN state = 'active' AND written_off_at IS NULL THEN 1 ELSE 0 END"

void end_sessions(Database& database) {
    database.run("UPDATE agent SET session = NULL WHERE session IS NOT NULL");
    database.run("DELETE FROM session");
}

void begin_epoch(Database& database, std::int64_t epoch, core::UtcTime now, const std::string& why) {
    database.run("UPDATE account SET epoch = ?", epoch);
    database.run("UPDATE agent SET session = NULL, learning = " LEARNS "");
    database.run("DELETE FROM session");
    database.run("INSERT INTO incident (at, team, detail) VALUES (?, NULL, ?)", now, why);
}

void begin_learning(Database& database, const std::string& team, core::UtcTime now, const std::string& why) {
    database.run("DELETE FROM session WHERE agent IN (SELECT id FROM agent WHERE team = ?)", team);
    database.run("UPDATE agent SET session = NULL, learning = " LEARNS
                 " WHERE "
                 "team = ?",
                 team);
    database.run(
        "INSERT INTO incident (at, team, detail) SELECT ?1, ?2, ?3 WHERE (SELECT count(*) FROM incident "
        "WHERE "
        "team = ?2) < ?4",
        now, team, why, incidents_max);
}

bool is_learning(Database& database, const std::string& team) {
    if (METERBOX_MUTANT(learning_ignored)) return false;
    return database.number(
               // Not all active agents of the team, one by one: the few that learn have an index.
               "SELECT EXISTS (SELECT 1 FROM agent WHERE team = ? AND learning = 1 AND "
               "coalesce(state, '') = 'active')",
               team) != 0;
}

void heard(Database& database, Agent& agent) {
    if (!agent.learning) return;
    agent.learning = false;
    database.run("UPDATE agent SET learning = 0 WHERE id = ?", agent.id);
}

std::optional<core::Lease> own_lease(Database& database, const LeaseSigner& signer, const Agent& agent,
                                     const std::string& jws) {
    if (jws.empty()) return std::nullopt;
    const auto claims = signer.claims_of(jws, lease_keys(database));
    if (!claims) return std::nullopt;
    auto lease = core::lease_from_json(*claims);
    const auto account = database.first("SELECT id FROM account", [](auto& row) { return row.string(0); });
    if (!lease || lease->account != account.value_or("") || lease->agent != agent.id ||
        lease->key_fingerprint != agent.key_fingerprint)
        return std::nullopt;
    return std::move(*lease);
}

bool is_newer(Database& database, const Agent& agent, const core::Lease& lease) {
    const std::int64_t epoch = database.number("SELECT epoch FROM account");
    if (lease.epoch != epoch) return lease.epoch > epoch;  // of a former one: that is what is learned
    return lease.incarnation > agent.incarnation || lease.number > agent.lease_number;
}

namespace {

// Out of what is left of the tranche: of one that has ended what expired, and what is missing then is owed.
void grant_again(Database& database, Ledger& ledger, Tranche& tranche, const Agent& agent, Units units) {
    const Holder holder{agent.id, agent.incarnation};
    const Place place = free_place(tranche, ledger.now());
    const Units gone = tranche.pool ? Units{tranche.pool->expired.value() / tranche.rate} : tranche.expired;
    const Units expired = place == Place::expired ? std::min(units, gone) : Units{};
    ledger.move(tranche, Place::expired, Place::leased, expired, "learned", &holder);
    ledger.move(tranche, place == Place::expired ? Place::available : place, Place::leased, units - expired,
                "learned", &holder);
    database.run(
        "INSERT INTO holding (agent, incarnation, tranche, granted, used, returned, in_hours, since) "
        "VALUES (?, ?, ?, ?, 0, 0, 0, ?) "
        "ON CONFLICT (agent, incarnation, tranche) DO UPDATE SET granted = holding.granted + "
        "excluded.granted",
        agent.id, agent.incarnation, tranche.id, units, tranche.starts_at);  // or later: nobody knows
}

Tranche* tranche_of(Pool& pool, const std::string& name, const std::string& resource) {
    const auto id = tranche_from(name);
    Tranche* const tranche = id ? pool.find(*id) : nullptr;
    return tranche && tranche->resource == resource ? tranche : nullptr;
}

Units granted_to(Database& database, const Agent& agent, const Tranche& tranche) {
    return Units{
        database.number("SELECT granted FROM holding WHERE agent = ? AND incarnation = ? AND tranche = ?",
                        agent.id, agent.incarnation, tranche.id)};
}

}  // namespace

void learn_from(Database& database, Ledger& ledger, Pool& pool, Agent& agent, const core::Lease& lease) {
    agent.lease_number = std::max(agent.lease_number, lease.number);
    database.run("UPDATE agent SET lease_number = ? WHERE id = ?", agent.lease_number, agent.id);
    if (lease.incarnation != agent.incarnation) return;
    for (const core::LeaseResource& resource : lease.resources) {
        for (const core::LeaseTranche& leased : resource.tranches) {
            Tranche* const tranche = tranche_of(pool, leased.tranche, resource.key);
            if (!tranche) continue;
            const Units known = granted_to(database, agent, *tranche);
            if (leased.granted > known && !METERBOX_MUTANT(lease_not_learned))
                grant_again(database, ledger, *tranche, agent, leased.granted - known);
        }
    }
}

namespace {

// The hours of a tranche of whose units no more than so many can be known: the earliest.
std::vector<core::wire::HourUnits> hours_within(Database& database, const Agent& agent, std::int64_t tranche,
                                                std::vector<core::wire::HourUnits> hours, Units room) {
    std::ranges::sort(hours, {}, &core::wire::HourUnits::hour);
    for (auto& [hour, units] : hours) {
        const Units seen{database.number(
            "SELECT units FROM unit_hour WHERE agent = ? AND incarnation = ? AND hour = ? AND tranche = ?",
            agent.id, agent.incarnation, hour, tranche)};
        const Units more = std::clamp(units - seen, Units{}, room);
        units = seen + more;
        room -= more;
    }
    return hours;
}

// As far as that was granted, by what is known, and not released since. What was used comes first: what was
// given back and isn't known to have been granted is free anyway.
core::wire::TrancheCounters known_part(Database& database, const Agent& agent, const Tranche& tranche,
                                       const core::wire::TrancheCounters& said) {
    const KnownHolding known = known_holding(database, agent.id, agent.incarnation, tranche.id);
    const Holding& seen = known.holding;
    core::wire::TrancheCounters part = said;
    part.used = std::min(said.used, seen.granted - seen.returned);
    const Units released = released_of(database, agent, tranche.id);
    part.returned = std::min(said.returned + released, seen.granted - part.used);
    if (part.used < said.used)
        part.hours = hours_within(database, agent, tranche.id, said.hours, part.used - Units{known.in_hours});
    return part;
}

}  // namespace

KnownPart known_part(Database& database, Pool& pool, const Agent& agent,
                     const std::vector<core::wire::ResourceCounters>& said) {
    KnownPart known;
    for (core::wire::ResourceCounters counters : said) {
        const auto named = std::exchange(counters.tranches, {});
        for (const core::wire::TrancheCounters& tranche : named) {
            const Tranche* const there = tranche_of(pool, tranche.tranche, counters.resource);
            core::wire::TrancheCounters part;
            if (there) counters.tranches.push_back(part = known_part(database, agent, *there, tranche));
            known.whole =
                known.whole && there && part.used == tranche.used && part.returned == tranche.returned;
            // No more than its usage, whatever it says.
            counters.overage_units = std::min(counters.overage_units + (tranche.used - part.used),
                                              Units{counters.metered.value()});
        }
        known.counters.push_back(std::move(counters));
    }
    return known;
}

std::vector<Incident> list_incidents(Database& database, const std::string& team) {
    std::vector<Incident> list;
    database.each(
        "SELECT at, detail FROM incident WHERE team IS NULL OR team = ? ORDER BY id",
        [&](auto& row) {
            list.push_back({{row.integer(0)}, row.string(1)});
        },
        team);
    return list;
}

namespace {

// Takes so many of the units charged to `late` that were completed while `early` was valid.
Units take_charged(Database& database, const Tranche& late, const Tranche& early, Units most) {
    struct Part {
        std::string agent;
        std::int64_t incarnation = 1;
        std::int64_t hour = 0;
        Units units;
    };
    std::vector<Part> parts;
    Units taken;
    database.each(
        "SELECT agent, incarnation, hour, units - moved FROM unit_hour JOIN holding USING (agent, "
        "incarnation, "
        "tranche) WHERE tranche = ?1 AND units > moved AND max(hour * 3600000, since) >= ?2 AND "
        "(?3 IS NULL OR (hour + 1) * 3600000 <= ?3) ORDER BY hour, agent, incarnation",
        [&](auto& row) {
            const Units units = std::min(most - taken, Units{row.integer(3)});
            if (units > Units{}) parts.push_back({row.string(0), row.integer(1), row.integer(2), units});
            taken += units;
        },
        late.id, early.starts_at, early.ends_at);
    for (const Part& part : parts)
        database.run(
            "UPDATE unit_hour SET moved = moved + ? WHERE agent = ? AND incarnation = ? AND hour = ? AND "
            "tranche = ?",
            part.units, part.agent, part.incarnation, part.hour, late.id);
    return taken;
}

// How many more units are leased and charged than there are.
Units overdrawn(const Tranche& tranche) {
    if (tranche.open()) return {};
    if (!tranche.pool) return std::max(Units{}, Units{} - tranche.available);
    const std::int64_t tokens = std::max<std::int64_t>(0, -tranche.pool->available.value());
    return Units{(tokens + tranche.rate - 1) / tranche.rate};
}

}  // namespace

void settle_overdrawn(Database& database, Ledger& ledger, Pool& pool, const std::string& resource) {
    const auto tranches = pool.of(resource);
    for (std::size_t late = tranches.size(); late-- > 0;) {
        for (std::size_t early = 0; early < late && overdrawn(tranches[late]) > Units{}; ++early) {
            Tranche& from = tranches[late];
            Tranche& to = tranches[early];
            const Place left = to.ended && !to.pool ? Place::expired : Place::available;
            const Units most = left == Place::expired ? to.expired : std::max(Units{}, to.available);
            if (to.tier >= from.tier || to.open() || most == Units{}) continue;
            const Units units =
                take_charged(database, from, to, std::min({overdrawn(from), from.charged, most}));
            ledger.move(from, Place::charged, Place::available, units, "learned");
            ledger.move(to, left, Place::charged, units, "learned");
        }
    }
}

}  // namespace meterbox::account
