// What must hold of an agent's committed ledgers after each of its commits, and of what its products were
// told.
#include <algorithm>
#include <utility>

#include "account/tranche.hpp"
#include "tests/sim/invariants.hpp"

namespace meterbox::sim {

namespace {

// How far trusted time may be behind, and how long a commit takes.
constexpr std::int64_t end_slack_ms = 30'000;

}  // namespace

// Counters begin at 0 with an incarnation, and where they were with a copy that was put back (I7, I14).
void Invariants::begin_incarnation(SeenAgent& seen, const SimAgent& agent) {
    const std::int64_t incarnation = agent.incarnation();
    if (seen.incarnation == incarnation && seen.restores == agent.restores()) return;
    if (incarnation > seen.incarnation && seen.incarnation > 0) {
        world_.tally.saw("agent went on as another incarnation");
        if (world_.copies_at_work[agent.name().id] > 0)
            world_.tally.saw("agent fenced while a copy is at work");
    }
    SIM_REQUIRE(incarnation >= seen.incarnation || agent.restores() > seen.restores,
                "I7: an incarnation never falls but with the disk: " + agent.name().id);
    moved_ = true;
    if (agent.restores() > seen.restores) {
        seen.mark = {};
        seen.link = {};
    }
    seen.metered.clear();
    seen.tranches.clear();
    seen.overage.clear();
    seen.final_lease.clear();
    seen.lease_number = seen.lease_epoch = 0;
    seen.incarnation = incarnation;
    seen.restores = agent.restores();
}

void Invariants::check_agent(std::size_t index) {
    SimAgent& agent = *agents_[index];
    SeenAgent& seen = seen_[index];
    begin_incarnation(seen, agent);
    check_clock(index);
    check_sealed(index);
    for (const agent::LedgerView& ledger : agent.ledgers()) {
        const std::string& key = ledger->resource().key;
        const std::int64_t metered = ledger->metered().value();
        SIM_REQUIRE(metered >= seen.metered[key], "I7: M never falls: " + agent.name().id + " " + key);
        seen.metered[key] = metered;
        std::int64_t used = 0;
        bool final_lease = false;
        bool gave_back = false;
        for (const core::Tranche& tranche : ledger->tranches()) {
            SeenTranche& before = seen.tranches[*account::tranche_from(tranche.id)];
            SIM_REQUIRE(tranche.granted.value() >= before.granted && tranche.used.value() >= before.used &&
                            tranche.returned.value() >= before.returned,
                        "I7: G, U and R never fall: " + agent.name().id + " " + tranche.id);
            SIM_REQUIRE(tranche.used + tranche.returned <= tranche.granted, "I3: U <= G - R on the agent");
            SIM_REQUIRE(
                tranche.used.value() == before.used || world_.now() >= tranche.valid_from,
                "I12: nothing is drawn before its tranche begins: " + agent.name().id + " " + tranche.id);
            const bool over = tranche.ends_at && world_.now() - *tranche.ends_at > end_slack_ms;
            SIM_REQUIRE(
                tranche.used.value() == before.used || !over || agent.link().syncs() == 0,
                "I12: nothing is drawn of a tranche that has ended: " + agent.name().id + " " + tranche.id);
            const bool ahead = before.first_seen_at > 0 && before.first_seen_at < tranche.valid_from.ms;
            if (ahead && tranche.used.value() > before.used && !agent.link().reachable())
                world_.tally.saw("unit of a cycle that began offline");
            const std::int64_t first = before.first_seen_at > 0 ? before.first_seen_at : world_.now().ms;
            moved_ = moved_ || tranche.used.value() != before.used;
            gave_back = gave_back || tranche.returned.value() != before.returned;
            before = {tranche.granted.value(), tranche.used.value(), tranche.returned.value(), first};
            used += tranche.used.value();
            final_lease = final_lease || tranche.final;
        }
        if (final_lease && !std::exchange(seen.final_lease[key], final_lease))
            world_.tally.saw("lease final");
        const std::int64_t unit = ledger->resource().unit_size.value();
        const std::int64_t overage = metered / unit - used;
        if (ledger->resource().kind == core::Kind::returnable) check_held(index, *ledger);
        check_reserved(index, *ledger, gave_back);
        check_left(index, *ledger);
        SIM_REQUIRE(overage >= 0, "I5: no more units took a slot than were completed");
        std::int64_t& overage_before = seen.overage[key];
        if (overage < overage_before) world_.tally.saw("overage covered later");
        overage_before = overage;
    }
    // As they are stored: who holds them may not have heard of that yet.
    const char* const stored = "SELECT value FROM meta WHERE key = ?";
    const std::int64_t number = agent.journaled(stored, "lease_number");
    const std::int64_t epoch = agent.journaled(stored, "lease_epoch");
    SIM_REQUIRE(number >= seen.lease_number, "I7: the lease's number never falls: " + agent.name().id);
    SIM_REQUIRE(epoch >= seen.lease_epoch, "I7: the epoch of its lease never falls: " + agent.name().id);
    seen.lease_number = number;
    seen.lease_epoch = epoch;
    if (!world_.plan.disk_copies.empty()) note_most(index);
    check_chain_of_incarnation(index);
    check_prefix(index);
    const bool restarted = seen.run != agent.run();
    if (restarted || agent.commits() - seen.commits_checked >= 2'000) {
        check_acknowledged(index);
        seen.commits_checked = agent.commits();
    }
    seen.run = agent.run();
}

// H is what sessions hold, and somebody leased it; of what is checked out nothing is ever used up.
void Invariants::check_held(std::size_t index, const core::ResourceLedger& ledger) {
    SimAgent& agent = *agents_[index];
    const std::string& key = ledger.resource().key;
    const std::int64_t held = agent.journaled(
        "SELECT coalesce(sum(quantity), 0) FROM session WHERE resource = ? AND ended_at_ms IS NULL", key);
    core::Units leased;
    for (const core::Tranche& tranche : ledger.tranches()) {
        leased += tranche.left();
        SIM_REQUIRE(tranche.used == core::Units{}, "U stays 0 of what is returnable");
    }
    SIM_REQUIRE(ledger.held().value() == held, "H is what sessions hold: " + agent.name().id);
    // A new incarnation has no lease yet for what its sessions go on holding.
    const bool first = agent.incarnation() == 1 && agent.restores() == 0;
    SIM_REQUIRE(!first || ledger.held() <= leased, "H <= sum(G - R): " + agent.name().id + " holds " +
                                                       std::to_string(held) + " of " +
                                                       std::to_string(leased.value()));
}

// What products were told is on the disk, and nothing is there that they didn't do (I5, I8, I10).
void Invariants::check_acknowledged(std::size_t index) {
    SimAgent& agent = *agents_[index];
    const Book& book = products_[index]->book();
    std::map<std::string, std::int64_t> least;
    for (const auto& [id, event] : book.events)
        if (event.acknowledged && !agent.lost(event.acknowledged_at)) least[event.resource] += event.amount;
    for (const agent::LedgerView& ledger : agent.ledgers()) {
        const std::string& key = ledger->resource().key;
        if (world_.plan.journal_budget_bytes > 0) {
            check_reported(index, *ledger, least[key]);
            continue;
        }
        std::int64_t events = 0;
        const std::map<std::string, std::int64_t> stored = agent.journaled_events(key);
        for (const auto& [id, amount] : stored) events += amount;
        check_events(index, key, stored);
        const std::int64_t sessions =
            agent.journaled("SELECT coalesce(sum(metered), 0) FROM session WHERE resource = ?", key);
        if (world_.plan.modes_change()) {
            check_counted(index, *ledger);
            continue;
        }
        const bool counts = core::counts(ledger->resource().enforcement);
        const std::int64_t ever = (ledger->metered() + agent.journal().former(key)).value();
        SIM_REQUIRE(ever == (counts ? events + sessions : 0),
                    "I5: M is what was reported and what sessions ran: " + agent.name().id + " " + key);
    }
    if (world_.plan.journal_budget_bytes > 0) check_dropped(index);
    const std::map<std::string, std::int64_t> ends = agent.metered_sessions();
    for (const auto& [id, session] : book.sessions) {
        if (!session.metered || agent.lost(session.told_at)) continue;
        const auto found = ends.find(id);
        const std::int64_t stored = found == ends.end() ? -1 : found->second;
        SIM_REQUIRE(stored == *session.metered, "I8: a session's end is on the disk as it was told: " + id +
                                                    ", told " + std::to_string(*session.metered) +
                                                    ", stored " + std::to_string(stored));
    }
}

// Each of them, whoever else's lies beside it.
void Invariants::check_events(std::size_t index, const std::string& resource,
                              const std::map<std::string, std::int64_t>& stored) {
    const SimAgent& agent = *agents_[index];
    for (const auto& [id, event] : products_[index]->book().events) {
        if (event.resource != resource || !event.acknowledged || agent.lost(event.acknowledged_at)) continue;
        const auto found = stored.find(id);
        SIM_REQUIRE(found != stored.end() && found->second == event.amount,
                    "I8: what was acknowledged is on the disk: " + agent.name().id + " " + id);
    }
}

}  // namespace meterbox::sim
