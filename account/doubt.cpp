// The table doubt, and the moves that go with it.
#include "account/doubt.hpp"

#include <array>
#include <map>
#include <vector>

#include "core/mutant.hpp"

namespace meterbox::account {

using core::Units;

namespace {

constexpr std::string_view heard_again = "heard again";  // audit knows it, too
constexpr std::array<std::string_view, 3> policies{"hold", "count", "release"};

struct Line {
    std::int64_t incarnation = 1;
    std::int64_t tranche = 0;
    std::string resource;
    Units units;
};

std::vector<Line> held_of(Database& database, const Agent& agent) {
    std::vector<Line> lines;
    database.each(
        "SELECT incarnation, tranche, resource, held FROM doubt WHERE agent = ? AND held > 0",
        [&](auto& row) {
            lines.push_back({row.integer(0), row.integer(1), row.string(2), Units{row.integer(3)}});
        },
        agent.id);
    return lines;
}

}  // namespace

std::optional<LostPolicy> lost_policy_from(std::string_view name) {
    for (std::size_t i = 0; i < policies.size(); ++i)
        if (policies[i] == name) return static_cast<LostPolicy>(i);
    return std::nullopt;
}

std::string_view name_of(LostPolicy policy) {
    return policies[static_cast<std::size_t>(policy)];
}

namespace {

// Leased to the agent's incarnations up to this one.
std::vector<Line> leased_to(Database& database, const Agent& agent, std::int64_t incarnation) {
    std::vector<Line> lines;
    database.each(
        "SELECT incarnation, tranche, tranche.resource, granted - used - returned FROM holding JOIN tranche "
        "ON tranche.id = holding.tranche WHERE agent = ? AND incarnation <= ? AND used + returned < granted",
        [&](auto& row) {
            lines.push_back({row.integer(0), row.integer(1), row.string(2), Units{row.integer(3)}});
        },
        agent.id, incarnation);
    return lines;
}

void note_returned(Database& database, const Holder& holder, const Line& line) {
    database.run(
        "UPDATE holding SET returned = returned + ? WHERE agent = ? AND incarnation = ? AND tranche = ?",
        line.units, holder.agent, holder.incarnation, line.tranche);
}

}  // namespace

void give_back_leased(Database& database, Ledger& ledger, Pool& pool, const Agent& agent,
                      std::int64_t incarnation, std::string_view reason) {
    for (const Line& line : leased_to(database, agent, incarnation)) {
        Tranche* const tranche = pool.find(line.tranche);
        if (!tranche) return;  // it couldn't be read: the job fails
        const Holder holder{agent.id, line.incarnation};
        ledger.give_back(*tranche, line.units, reason, &holder);
        note_returned(database, holder, line);
    }
}

void hold_leased(Database& database, Ledger& ledger, Pool& pool, const Agent& agent,
                 std::string_view reason) {
    for (const Line& line : leased_to(database, agent, agent.incarnation)) {
        Tranche* const tranche = pool.find(line.tranche);
        if (!tranche) return;  // it couldn't be read: the job fails
        const bool open = tranche->open();
        const Holder holder{agent.id, line.incarnation};
        // Open payg is leased out of nothing, so there is nothing to be held.
        const Place to = open ? Place::purchase : Place::in_doubt;
        ledger.move(*tranche, Place::leased, to, line.units, reason, &holder);
        note_returned(database, holder, line);
        database.run(
            "INSERT INTO doubt (agent, incarnation, tranche, resource, held, counted, released) "
            "VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6) ON CONFLICT (agent, incarnation, tranche, resource) DO "
            "UPDATE "
            "SET held = doubt.held + excluded.held, released = doubt.released + excluded.released",
            agent.id, line.incarnation, line.tranche, line.resource, open ? Units{} : line.units,
            open ? line.units : Units{});
    }
}

namespace {

bool is_returnable(Database& database, const std::string& resource) {
    return database.number("SELECT kind = 'returnable' FROM resource WHERE key = ?", resource) != 0;
}

// What it had checked out is said anew, if it comes back (as with Custody::take_over). Until then its units
// are where they are shown to be: leased to nobody, in doubt, or free.
void forget_checked_out(Database& database, Pool& pool, const Agent& agent) {
#define OF_RETURNABLES "resource IN (SELECT key FROM resource WHERE kind = 'returnable')"
    std::map<std::string, PoolTotals> said;
    database.each(
        "SELECT resource, overage_units, held FROM agent_resource WHERE agent = ? AND " OF_RETURNABLES,
        [&](auto& row) {
            PoolTotals& sums = said[row.string(0)];
            sums.overage_units += Units{row.integer(1)};
            sums.held += Units{row.integer(2)};
        },
        agent.id);
    database.run("UPDATE agent_resource SET held = 0, overage_units = 0 WHERE agent = ? AND " OF_RETURNABLES,
                 agent.id);
#undef OF_RETURNABLES
    for (const auto& [resource, sums] : said)
        pool.add_to_totals(resource, {}, Units{} - sums.overage_units, Units{} - sums.held);
}

}  // namespace

Decided decide_held(Database& database, Ledger& ledger, Pool& pool, const Agent& agent, LostPolicy policy) {
    Decided decided;
    if (policy == LostPolicy::hold) return decided;
    for (const Line& line : held_of(database, agent)) {
        Tranche* const tranche = pool.find(line.tranche);
        if (!tranche) return decided;  // it couldn't be read: the job fails
        const Holder holder{agent.id, line.incarnation};
        // Nothing of it is used up: in doubt, it is free once somebody says so, or it is said to be held
        // still.
        if (policy == LostPolicy::count && is_returnable(database, line.resource)) continue;
        // Of a cycle that was leased ahead and hasn't begun nothing can have been used (I12).
        const bool count = policy == LostPolicy::count && tranche->starts_at <= ledger.now();
        const Place to = count ? Place::charged : free_place(*tranche, ledger.now());
        const std::string_view reason = name_of(count ? LostPolicy::count : LostPolicy::release);
        ledger.move(*tranche, Place::in_doubt, to, line.units, reason, &holder);
        database.run(
            "UPDATE doubt SET held = 0, counted = counted + ?, released = released + ? WHERE agent = ? AND "
            "incarnation = ? AND tranche = ? AND resource = ?",
            count ? line.units : Units{}, count ? Units{} : line.units, agent.id, line.incarnation,
            line.tranche, line.resource);
        (count ? decided.counted : decided.released)[line.resource] += line.units;
    }
    return decided;
}

bool holds_anything(Database& database, const Agent& agent) {
    return !leased_to(database, agent, agent.incarnation).empty() || !held_of(database, agent).empty();
}

Decided decided_of(Database& database, const Agent& agent) {
    Decided decided;
    database.each(
        "SELECT doubt.resource, sum(counted), sum(released) FROM doubt JOIN tranche ON tranche.id = "
        "doubt.tranche WHERE agent = ? AND purchased IS NOT NULL GROUP BY 1",
        [&](auto& row) {
            if (row.integer(1) > 0) decided.counted[row.string(0)] = Units{row.integer(1)};
            if (row.integer(2) > 0) decided.released[row.string(0)] = Units{row.integer(2)};
        },
        agent.id);
    return decided;
}

Decided write_off(Database& database, core::UtcTime now, const Agent& agent, LostPolicy policy) {
    Ledger ledger(database, now);
    Pool pool(database, agent.team);
    hold_leased(database, ledger, pool, agent, "write-off");
    Decided decided = decide_held(database, ledger, pool, agent, policy);
    forget_checked_out(database, pool, agent);
    database.run("DELETE FROM session WHERE agent = ?", agent.id);
    database.run("DELETE FROM ticket WHERE agent = ?", agent.id);
    database.run(
        "UPDATE agent SET session = NULL, learning = 0, written_off_at = coalesce(written_off_at, ?) "
        "WHERE id = ?",
        now, agent.id);
    return decided;
}

// Of whom a store that was put back hasn't heard since its copy was made, it can't say how long they are
// silent. Whoever has said hello and not yet synced isn't.
bool write_off_lost(Database& database, core::UtcTime now, const Agent& heard) {
    const auto policy = database.first(
        "SELECT lost, lost_after_ms FROM team WHERE key = ? AND lost_after_ms IS NOT NULL",
        [](auto& row) { return std::pair(lost_policy_from(row.string(0)), row.integer(1)); }, heard.team);
    if (!policy) return false;
    std::vector<std::string> lost;
    database.each(
        "SELECT id FROM agent WHERE team = ?1 AND state = 'active' AND written_off_at IS NULL AND "
        "coalesce(last_sync_at, enrolled_at) < ?2 AND (learning = 0 OR "
        "(SELECT max(at) FROM incident WHERE team IS NULL OR team = ?1) < ?2) AND "
        "coalesce((SELECT created_at FROM session WHERE session.id = agent.session), 0) < ?2 AND id <> ?3",
        [&](auto& row) { lost.push_back(row.string(0)); }, heard.team,
        METERBOX_MUTANT(lost_at_once) ? now : now + -policy->second, heard.id);
    bool awaited = false;
    for (const std::string& id : lost) {
        const std::optional<Agent> agent = find_agent(database, id);
        if (!agent) return awaited;  // it couldn't be read: the job fails
        awaited = awaited || agent->learning;
        write_off(database, now, *agent, *policy->first);
    }
    return awaited;
}

namespace {

// Those that its own journal went on from, one after another, without a fence: until its first sync since,
// they may be leased units, too. Where incarnations are forgotten there is a gap.
std::int64_t first_of_its_own(Database& database, const Agent& agent) {
    std::int64_t first = agent.incarnation;
    while (database.number(
               "SELECT EXISTS (SELECT 1 FROM incarnation WHERE agent = ? AND number = ? AND fenced = 0)",
               agent.id, first - 1) != 0)
        --first;
    return first;
}

}  // namespace

TakenBack take_back(Database& database, Ledger& ledger, Pool& pool, const Agent& agent) {
    struct Given {
        std::int64_t incarnation = 1;
        std::int64_t tranche = 0;
        std::string resource;
        Units held, counted, released;
    };
    std::vector<Given> lines;
    database.each(
        "SELECT incarnation, tranche, resource, held, counted, released FROM doubt WHERE agent = ? AND "
        "incarnation >= ? AND incarnation <= ?",
        [&](auto& row) {
            lines.push_back({row.integer(0), row.integer(1), row.string(2), Units{row.integer(3)},
                             Units{row.integer(4)}, Units{row.integer(5)}});
        },
        agent.id, first_of_its_own(database, agent), agent.incarnation);
    bool whole = true;
    Units leased_again;
    for (const Given& line : lines) {
        Tranche* const tranche = pool.find(line.tranche);
        if (!tranche) return TakenBack::none;  // it couldn't be read: the job fails
        const Holder holder{agent.id, line.incarnation};
        ledger.move(*tranche, Place::in_doubt, Place::leased, line.held, heard_again, &holder);
        ledger.move(*tranche, Place::charged, Place::leased, line.counted, heard_again, &holder);
        const bool present = line.incarnation == agent.incarnation;  // the other's lease it has dropped
        const Units open = present && tranche->open() ? line.released : Units{};
        ledger.move(*tranche, Place::purchase, Place::leased, open, heard_again, &holder);
        database.run(
            "UPDATE holding SET returned = returned - ? WHERE agent = ? AND incarnation = ? AND tranche = ?",
            line.held + line.counted + open, agent.id, line.incarnation, line.tranche);
        database.run(
            "UPDATE doubt SET held = 0, counted = 0, released = released - ? WHERE agent = ? AND "
            "incarnation = ? AND tranche = ? AND resource = ?",
            open, agent.id, line.incarnation, line.tranche, line.resource);
        if (!present) continue;
        whole = whole && line.released == open;
        leased_again += line.held + line.counted + open;
    }
    if (whole) return TakenBack::all;
    return leased_again > Units{} ? TakenBack::part : TakenBack::none;
}

Units released_of(Database& database, const Agent& agent, std::int64_t tranche) {
    return Units{database.number(
        "SELECT coalesce(sum(released), 0) FROM doubt WHERE agent = ? AND incarnation = ? AND tranche = ?",
        agent.id, agent.incarnation, tranche)};
}

}  // namespace meterbox::account
