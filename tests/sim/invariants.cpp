// After each step. What must hold at the end is in end_checks.cpp.
#include "tests/sim/invariants.hpp"

#include <algorithm>
#include <utility>

#include "account/adjustment.hpp"
#include "account/tranche.hpp"

namespace meterbox::sim {

namespace {

// A session that is told nothing by then runs on what nobody has (R6).
constexpr std::int64_t stop_within_ms = 1'600;

int rank(const std::string& tier) {
    return static_cast<int>(*core::tier_from(tier));
}

}  // namespace

Invariants::Invariants(World& world, SimAccount& account, std::vector<std::unique_ptr<SimAgent>>& agents,
                       std::vector<std::unique_ptr<Products>>& products)
    : world_(world), account_(account), agents_(agents), products_(products) {}

void Invariants::check_step() {
    const bool account_changed = account_.up() && account_commits_ != account_.commits();
    if (account_changed) {
        check_account();
        account_commits_ = account_.commits();
    }
    for (std::size_t index = 0; index < agents_.size(); ++index) {
        note_modes(index);
        const bool changed = agents_[index]->up() && seen_[index].commits != agents_[index]->commits();
        if (changed) {
            check_agent(index);
            seen_[index].commits = agents_[index]->commits();
        }
        if (changed || account_changed) check_against_account(index);
        check_stops(index);
    }
}

// What the account says may be older than what it said.
void Invariants::note_put_back(const AccountView& view) {
    if (put_backs_ != account_.put_backs()) {
        put_backs_ = account_.put_backs();
        view_.reset();
        entries_before_ = view.entries;
        return;
    }
    if (!view_) return;
    if (view.incidents > view_->incidents && world_.plan.store_put_back_by_hand)
        world_.tally.saw("store put back by hand found out");
    if (view.learning_teams.size() < view_->learning_teams.size()) world_.tally.saw("team learned");
}

// It was heard since the store was put back last.
bool Invariants::learned(const std::string& agent) const {
    return put_backs_ == 0 || (!view_->learning_agents.contains(agent) &&
                               view_->last_sync_at.at(agent) > account_.put_back_at().ms);
}

// No lease that was shown since names it: what was leased of it nobody can use, and nobody can tell.
bool Invariants::ended_before_put_back(std::int64_t tranche) const {
    const TrancheRow* const row = view_->find(tranche);
    return put_backs_ > 0 && row != nullptr && row->ends_at && *row->ends_at <= account_.put_back_at().ms;
}

bool Invariants::may_be_owed(const AccountView& view, const std::string& team) const {
    return view.learning_teams.contains(team) || (put_backs_ > 0 && world_.plan.store_put_back_by_hand);
}

void Invariants::check_account() {
    auto view = std::make_unique<AccountView>(account_.store().database());
    note_put_back(*view);
    const std::int64_t now = world_.now().ms;
    std::map<std::int64_t, std::int64_t> held;
    for (const auto& [key, holding] : view->holdings) {
        const std::int64_t left = holding.granted - holding.used - holding.returned;
        SIM_REQUIRE(left >= 0, "I1: an agent has used and returned at most what was granted");
        held[std::get<1>(key)] += left;
    }
    for (const TrancheRow& tranche : view->tranches) {
        const auto name = [&tranche] { return "tranche t" + std::to_string(tranche.id); };
        const std::int64_t places = tranche.available + tranche.charged + tranche.in_doubt + tranche.expired;
        if (!tranche.is_pool())
            SIM_REQUIRE(tranche.leased == held[tranche.id],
                        "I1: " + name() + " leases what its holders hold");
        SIM_REQUIRE(std::min({tranche.charged, tranche.in_doubt, tranche.expired}) >= 0,
                    "I1: no place of " + name() + " is below 0");
        SIM_REQUIRE(tranche.available >= 0 || may_be_owed(*view, tranche.team),
                    "I1: A of " + name() + " is below 0 only while the account learns");
        if (!tranche.purchased) continue;
        SIM_REQUIRE(*tranche.purchased == places + tranche.leased,
                    "I1: P = A + C + D + X + leased of " + name());
        const bool ended = tranche.ends_at && now >= *tranche.ends_at;
        if (ended && tranche.leased > 0 && ended_while_leased_.insert(tranche.id).second)
            world_.tally.saw("grant ended with units leased");
    }
    const auto fallen_before = fallen_;
    handed_.clear();
    leased_again_.clear();
    if (!view_ || view->entries > view_->entries) check_booking(*view);
    if (view_) {
        for (const auto& [key, before] : view_->holdings) {
            const auto found = view->holdings.find(key);
            SIM_REQUIRE(found != view->holdings.end() && found->second.granted >= before.granted &&
                            found->second.used >= before.used &&
                            found->second.returned + leased_again_[key] >= before.returned,
                        "I7: G, U and R at the account never fall");
        }
        for (const auto& [agent, number] : view_->lease_numbers)
            SIM_REQUIRE(view->lease_numbers[agent] >= number, "I7: lease numbers never fall");
        SIM_REQUIRE(view->entries >= view_->entries, "I8: the ledger is only ever added to");
        for (const TrancheRow& tranche : view->tranches) {
            const TrancheRow* before = view_->find(tranche.id);
            if (before != nullptr && put_backs_ == 0)
                SIM_REQUIRE(tranche.charged + fallen_since(fallen_before, tranche.id) >= before->charged,
                            "I7: what is charged never falls, but for what was given back or moved");
        }
    }
    check_pools(*view);
    if (view->waiting > 0) world_.tally.saw("agent fenced again, waits for the operator");
    if (view_) check_line(*view);
    if (view->evidence > 0 && !world_.plan.store_put_back_by_hand) {
        std::string detail;
        for (const std::string& team : world_.plan.teams)
            for (const auto& evidence : account::list_evidence(account_.store().database(), team))
                detail += evidence.agent + ": " + evidence.detail + "; ";
        throw Violation("no honest agent is suspected: " + detail);
    }
    view_ = std::move(view);
}

// I1 of tokens: where a pool's tokens are is where the units out of it are, of all resources.
void Invariants::check_pools(const AccountView& view) {
    std::map<std::int64_t, TrancheRow> sums;
    std::map<std::int64_t, std::set<std::string>> spent;
    for (const TrancheRow& tranche : view.tranches) {
        if (!tranche.pool) continue;
        TrancheRow& sum = sums[*tranche.pool];
        sum.leased += tranche.leased * tranche.rate;
        sum.charged += tranche.charged * tranche.rate;
        sum.in_doubt += tranche.in_doubt * tranche.rate;
        if (tranche.charged > 0) spent[*tranche.pool].insert(tranche.resource);
    }
    for (const auto& [id, sum] : sums) {
        const TrancheRow& pool = *view.find(id);
        SIM_REQUIRE(pool.leased == sum.leased && pool.charged == sum.charged && pool.in_doubt == sum.in_doubt,
                    "I1: the tokens of pool t" + std::to_string(id) + " are where its units are");
        if (spent[id].size() > 1) world_.tally.saw("tokens spent by two resources");
    }
}

void Invariants::count_moves(const AccountView& view, const std::string& reason, const std::string& from,
                             const TrancheRow& tranche) {
    if (reason == "next cycle") world_.tally.saw("next cycle leased ahead");
    if (reason == "charge" && tranche.pool) world_.tally.saw("tokens charged");
    if (reason == "draw order" && from == "purchase" && tranche.pool)
        world_.tally.saw("unit booked to tokens");
    if (reason != "end" || !tranche.ends_at) return;
    for (const TrancheRow& next : view.tranches)
        if (next.team == tranche.team && next.resource == tranche.resource && next.tier == tranche.tier &&
            next.purchased == tranche.purchased && next.starts_at == *tranche.ends_at)
            return world_.tally.saw("cycle ended with units unused");
}

// I11: a unit is booked to a later tier only when no earlier one, valid all the while, has one to give.
void Invariants::check_booking(const AccountView& view) {
    const std::int64_t since_entry = view_ ? view_->entries : entries_before_;
    std::set<std::int64_t> came_free;  // in the same moment, perhaps after what is booked was booked
    account_.store().database().each(
        "SELECT DISTINCT tranche FROM ledger WHERE entry > ? AND from_ = 'leased' AND to_ <> 'charged'",
        [&](auto& row) { came_free.insert(row.integer(0)); }, since_entry);
    account_.store().database().each(
        "SELECT tranche, from_, to_, reason, coalesce(agent, ''), units, coalesce(incarnation, 0) FROM "
        "ledger WHERE entry > ?",
        [&](auto& row) {
            const TrancheRow& booked = *view.find(row.integer(0));
            const std::string reason = row.string(3);
            // Its slot is free again, though its agent counts it as used.
            if (reason == "draw order" && row.string(1) == "leased") freed_[booked.id] += row.integer(5);
            if (row.string(1) == "charged") note_fallen(booked.id, reason, row.integer(5));
            if (reason == "learned" && row.string(2) == "leased")
                world_.tally.saw("units learned from an agent's lease");
            if (row.string(1) == "leased" && row.string(2) == "available") {
                const bool last_word = reason == "retire" || reason == "hand over";
                SIM_REQUIRE(reason == "return" || reason == "draw order" ||
                                (last_word && view.retired.contains(row.string(4))),
                            "I15: a lease's units come back only when its agent says so, not by " + reason);
            }
            if (row.string(1) == "in_doubt" && row.string(2) == "available")
                SIM_REQUIRE(reason == "release", "I15: what is in doubt is sold again by release alone");
            if (reason == "release") released_.insert(row.string(4));
            if (reason == "heard again") {
                leased_again_[{row.string(4), booked.id, row.integer(6)}] += row.integer(5);
                world_.tally.saw("agent that was given up is heard again");
            }
            if (reason == "retire") world_.tally.saw("lease of an agent that retired came back");
            if (reason == "hand over" && row.string(2) == "leased") {
                handed_[{row.string(4), booked.resource}] += row.integer(5);
                world_.tally.saw("remainder handed over with its slot");
            }
            if (reason == "charge" && row.string(4).starts_with("custody/"))
                world_.tally.saw("unit charged that several had filled");
            if (reason == "return" && world_.plan.is_returnable(booked.resource)) {
                const bool ended = booked.ends_at && world_.now().ms >= *booked.ends_at;
                world_.tally.saw(ended ? "capacity given back after its grant's end" : "capacity given back");
            } else if (reason == "return")
                world_.tally.saw("recall answered");
            count_moves(view, reason, row.string(1), booked);
            if (row.string(2) != "charged" || booked.is_pool()) return;
            if (reason == "draw order") world_.tally.saw("unit booked to an earlier tier");
            if (booked.tier == "payg") world_.tally.saw("payg charged");
            if (reason == "learned") {  // booked again, to the earlier tier
                world_.tally.saw("unit booked to an earlier tier once the account had learned");
                return;
            }
            if (row.string(1) != "leased" || view.learning_teams.contains(booked.team)) return;
            const std::int64_t since = view.holdings.at({row.string(4), booked.id, row.integer(6)}).since;
            for (const TrancheRow& earlier : view.tranches) {
                const bool comes_first = earlier.team == booked.team && earlier.resource == booked.resource &&
                                         rank(earlier.tier) < rank(booked.tier);
                const bool valid =
                    earlier.starts_at <= since && (!earlier.ends_at || *earlier.ends_at > world_.now().ms);
                const bool freed = came_free.contains(earlier.pool.value_or(earlier.id));
                SIM_REQUIRE(!comes_first || !valid || freed || view.unleased(earlier) == 0,
                            "I11: t" + std::to_string(booked.id) + " is charged though t" +
                                std::to_string(earlier.id) + " of an earlier tier has units");
            }
        },
        since_entry);
}

// Charged no more, and its slot is free again: given back by an operator, or moved to an earlier tier.
void Invariants::note_fallen(std::int64_t tranche, const std::string& reason, std::int64_t units) {
    const bool given_back = account::is_adjustment(reason);
    SIM_REQUIRE(
        given_back || reason == "draw order" || reason == "heard again" || put_backs_ > 0,
        "I7: what is charged falls by an operator's word, a draw order or its agent's, not by " + reason);
    fallen_[tranche] += units;
    if (reason != "heard again") freed_[tranche] += units;
    if (given_back) given_back_[tranche] += units;
    if (given_back) world_.tally.saw("units given back");
    if (reason == "draw order") world_.tally.saw("charge moved to an earlier tier");
}

std::int64_t Invariants::fallen_since(const std::map<std::int64_t, std::int64_t>& before,
                                      std::int64_t tranche) const {
    const auto now = fallen_.find(tranche);
    const auto then = before.find(tranche);
    return (now == fallen_.end() ? 0 : now->second) - (then == before.end() ? 0 : then->second);
}

// Counters begin at 0 with an incarnation, and where they were with a copy that was put back (I7, I14).
void Invariants::begin_incarnation(SeenAgent& seen, const SimAgent& agent) {
    const std::int64_t incarnation = agent.incarnation();
    if (seen.incarnation == incarnation && seen.restores == agent.restores()) return;
    if (incarnation > seen.incarnation) world_.tally.saw("agent went on as another incarnation");
    SIM_REQUIRE(incarnation >= seen.incarnation || agent.restores() > seen.restores,
                "I7: an incarnation never falls but with the disk: " + agent.name().id);
    const bool within = incarnation == seen.incarnation;
    if (agent.restores() > seen.restores) seen.mark = {};
    seen.metered.clear();
    seen.tranches.clear();
    seen.overage.clear();
    seen.final_lease.clear();
    if (within) seen.lease_number = 0;
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
        for (const core::Tranche& tranche : ledger->tranches()) {
            SeenTranche& before = seen.tranches[*account::tranche_from(tranche.id)];
            SIM_REQUIRE(tranche.granted.value() >= before.granted && tranche.used.value() >= before.used &&
                            tranche.returned.value() >= before.returned,
                        "I7: G, U and R never fall: " + agent.name().id + " " + tranche.id);
            SIM_REQUIRE(tranche.used + tranche.returned <= tranche.granted, "I3: U <= G - R on the agent");
            SIM_REQUIRE(
                tranche.used.value() == before.used || world_.now() >= tranche.valid_from,
                "I12: nothing is drawn before its tranche begins: " + agent.name().id + " " + tranche.id);
            const bool ahead = before.first_seen_at > 0 && before.first_seen_at < tranche.valid_from.ms;
            if (ahead && tranche.used.value() > before.used && !agent.link().reachable())
                world_.tally.saw("unit of a cycle that began offline");
            const std::int64_t first = before.first_seen_at > 0 ? before.first_seen_at : world_.now().ms;
            before = {tranche.granted.value(), tranche.used.value(), tranche.returned.value(), first};
            used += tranche.used.value();
            final_lease = final_lease || tranche.final;
        }
        if (final_lease && !std::exchange(seen.final_lease[key], final_lease))
            world_.tally.saw("lease final");
        const std::int64_t unit = ledger->resource().unit_size.value();
        const std::int64_t overage = metered / unit - used;
        if (ledger->resource().kind == core::Kind::returnable) check_held(index, *ledger);
        SIM_REQUIRE(overage >= 0, "I5: no more units took a slot than were completed");
        std::int64_t& overage_before = seen.overage[key];
        if (overage < overage_before) world_.tally.saw("overage covered later");
        overage_before = overage;
    }
    SIM_REQUIRE(agent.link().lease_number() >= seen.lease_number, "I7: the lease's number never falls");
    seen.lease_number = agent.link().lease_number();
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
        if (event.acknowledged) least[event.resource] += event.amount;
    for (const agent::LedgerView& ledger : agent.ledgers()) {
        const std::string& key = ledger->resource().key;
        const std::int64_t events = agent.journaled(
            "SELECT coalesce(sum(amount), 0) FROM event WHERE resource = (SELECT id FROM resource WHERE key "
            "= ?)",
            key);
        const std::int64_t sessions =
            agent.journaled("SELECT coalesce(sum(metered), 0) FROM session WHERE resource = ?", key);
        if (agent.restores() == 0)
            SIM_REQUIRE(events >= least[key], "I8: what was acknowledged is on the disk: " + agent.name().id +
                                                  " " + key + ", " + std::to_string(least[key]) + " told, " +
                                                  std::to_string(events) + " there");
        if (world_.plan.modes_change()) {
            check_counted(index, *ledger);
            continue;
        }
        const bool counts = core::counts(ledger->resource().enforcement);
        const std::int64_t ever = (ledger->metered() + agent.journal().former(key)).value();
        SIM_REQUIRE(ever == (counts ? events + sessions : 0),
                    "I5: M is what was reported and what sessions ran: " + agent.name().id + " " + key);
    }
    if (agent.restores() > 0) return;
    const std::map<std::string, std::int64_t> ends = agent.metered_sessions();
    for (const auto& [id, session] : book.sessions) {
        if (!session.metered) continue;
        const auto found = ends.find(id);
        const std::int64_t stored = found == ends.end() ? -1 : found->second;
        SIM_REQUIRE(stored == *session.metered, "I8: a session's end is on the disk as it was told: " + id +
                                                    ", told " + std::to_string(*session.metered) +
                                                    ", stored " + std::to_string(stored));
    }
}

void Invariants::check_against_account(std::size_t index) {
    if (!view_ || !account_.up()) return;  // what fell was read for the last time before it did
    SimAgent& agent = *agents_[index];
    const std::string& id = agent.name().id;
    if (agent.up()) agent.note_sync();
    // What a disk was that has been put back, nobody knows until it was settled with the account.
    const bool comparable =
        !agent.put_back() && learned(id) && view_->incarnations[id] == seen_[index].incarnation;
    for (const auto& [tranche, real] : seen_[index].tranches) {
        if (!comparable) break;
        const auto known = view_->holdings.find({id, tranche, seen_[index].incarnation});
        const HoldingRow holding = known == view_->holdings.end() ? HoldingRow{} : known->second;
        SIM_REQUIRE(holding.used <= real.used,
                    "I3: no more is charged than was used: " + id + " t" + std::to_string(tranche));
        SIM_REQUIRE(real.granted <= holding.granted || ended_before_put_back(tranche),
                    "I8, I13: a lease left after its grant: " + id + " t" + std::to_string(tranche));
    }
    if (index + 1 != agents_.size() || (put_backs_ > 0 && world_.plan.store_put_back_by_hand)) return;
    std::map<HoldingKey, std::int64_t>
        by_agent;  // also what the account alone knows of: fenced ones, custody
    for (const auto& [key, holding] : view_->holdings) by_agent[key] = holding.used;
    for (std::size_t i = 0; i < agents_.size(); ++i)
        for (const auto& [tranche, real] : seen_[i].tranches) {
            const std::string& agent_id = agents_[i]->name().id;
            if (view_->incarnations[agent_id] != seen_[i].incarnation) continue;
            std::int64_t& used = by_agent[{agent_id, tranche, seen_[i].incarnation}];
            used = std::max(used, real.used);
        }
    std::map<std::int64_t, std::int64_t> used;
    for (const auto& [key, units] : by_agent) used[std::get<1>(key)] += units;
    std::map<std::int64_t, std::int64_t> tokens;  // really used, by pool
    for (const TrancheRow& tranche : view_->tranches)
        if (tranche.pool)
            tokens[*tranche.pool] +=
                (used[tranche.id] - freed_[tranche.id] - view_->released[tranche.id]) * tranche.rate;
    for (const auto& [pool, spent] : tokens)
        SIM_REQUIRE(spent <= *view_->find(pool)->purchased,
                    "I2: no more tokens are used than were bought: t" + std::to_string(pool));
    for (const TrancheRow& tranche : view_->tranches) {
        // Units are bought out of a pool when they are leased, which an account that learns has forgotten:
        // what was bought of it are its tokens.
        const bool forgotten = tranche.pool && view_->learning_teams.contains(tranche.team);
        if (tranche.purchased && !forgotten)
            SIM_REQUIRE(
                used[tranche.id] - freed_[tranche.id] <= *tranche.purchased + view_->released[tranche.id],
                "I2: no more slots are used than were bought: t" + std::to_string(tranche.id));
    }
}

// R6, as far as it can be seen from outside: nobody runs on what isn't there.
void Invariants::check_stops(std::size_t index) {
    SimAgent& agent = *agents_[index];
    SeenAgent& seen = seen_[index];
    if (!agent.answers() || agent.sessions().active() == 0) return seen.at_zero_since.clear();
    const core::MonotonicTime now = agent.clock().monotonic_now();
    for (const auto& [key, balance] : agent.balances().all()) {
        const core::ResourceLedger& ledger = *balance.ledger;
        const bool running =
            ledger.resource().enforcement == core::Enforcement::hard && agent.sessions().count(key) > 0;
        if (running)
            for (const core::Tranche& tranche : ledger.tranches())
                if (tranche.ends_at && tranche.ends_at->ms > seen.looked_at &&
                    world_.now() >= *tranche.ends_at)
                    world_.tally.saw("grant ended with a session running");
        if (!running || agent.sessions().standing(key).available > core::Amount{}) {
            seen.at_zero_since.erase(key);
            continue;
        }
        const auto since = seen.at_zero_since.try_emplace(key, std::pair{agent.run(), now}).first->second;
        if (since.first != agent.run()) {
            seen.at_zero_since.erase(key);
            continue;
        }
        SIM_REQUIRE(now - since.second <= stop_within_ms,
                    "R6: sessions are told to stop: " + agent.name().id + " " + key);
    }
    seen.looked_at = world_.now().ms;
}

}  // namespace meterbox::sim
