// What must hold of the account's tables after each of its commits: where units are, and how they came there.
// What was checked and hasn't changed since is not checked again.
#include <algorithm>
#include <utility>

#include "account/adjustment.hpp"
#include "tests/sim/invariants.hpp"

namespace meterbox::sim {

namespace {

constexpr std::uint64_t looks_between_whole = 64;  // at all tables, whether they changed or not

int rank(const std::string& tier) {
    return static_cast<int>(*core::tier_from(tier));
}

}  // namespace

void Invariants::check_account() {
    const ChangedTables changed = take_changed_tables();
    account::Database& database = account_.store().database();
    auto view = view_ ? std::make_unique<const AccountView>(database, *view_, changed)
                      : std::make_unique<const AccountView>(database);
    if (++looks_ % looks_between_whole == 0) {
        const std::string unnoticed = view->differs_in(AccountView(database));
        SIM_REQUIRE(unnoticed.empty(), "no table of the account's changes unnoticed: " + unnoticed);
    }
    note_put_back(*view);
    const bool moved = !view_ || changed.has("tranche") || changed.has("holding") || changed.has("doubt") ||
                       view->entries != view_->entries || view->learning_teams != view_->learning_teams ||
                       view->incarnations != view_->incarnations;
    if (moved) check_places(*view);
    had_already_.clear();
    leased_again_.clear();
    const auto fallen_before = fallen_;
    if (!view_ || view->entries > view_->entries) check_booking(*view);
    if (!world_.plan.store_put_back_by_hand || put_backs_ == 0) {
        SIM_REQUIRE(view->epoch >= epoch_, "I7: the account's epoch never falls");
        epoch_ = view->epoch;
    }
    if (view_) check_numbers(*view);
    if (view_) check_given_up(*view);
    if (view_ && moved) check_rises(*view, fallen_before);
    if (view_ && moved) check_learning(*view);
    if (moved) check_pools(*view);
    moved_ = moved_ || moved;
    if (view->waiting > (view_ ? view_->waiting : 0))
        world_.tally.saw("agent fenced again, waits for the operator");
    if (view_) check_line(*view);
    if (view->hours_to_come > (view_ ? view_->hours_to_come : 0))
        world_.tally.saw("usage of an hour that is still to come, taken");
    if (view->evidence > 0 && !world_.plan.store_put_back_by_hand) {
        std::string detail;
        for (const std::string& team : world_.plan.teams)
            for (const auto& evidence : account::list_evidence(database, team))
                if (evidence.judgement == account::Judgement::refused)
                    detail += evidence.agent + ": " + evidence.detail + "; ";
        throw Violation("no honest agent is suspected: " + detail);
    }
    view_ = std::move(view);
}

// I1: units are somewhere, and once.
void Invariants::check_places(const AccountView& view) {
    const std::int64_t now = world_.now().ms;
    std::map<std::int64_t, std::int64_t> held;
    for (const auto& [key, holding] : view.holdings) {
        const std::int64_t left = holding.granted - holding.used - holding.returned;
        SIM_REQUIRE(left >= 0, "I1: an agent has used and returned at most what was granted");
        held[std::get<1>(key)] += left;
    }
    for (const TrancheRow& tranche : view.tranches) {
        const auto name = [&tranche] { return "tranche t" + std::to_string(tranche.id); };
        const std::int64_t places = tranche.available + tranche.charged + tranche.in_doubt + tranche.expired;
        if (!tranche.is_pool())
            SIM_REQUIRE(tranche.leased == held[tranche.id],
                        "I1: " + name() + " leases what its holders hold");
        SIM_REQUIRE(std::min({tranche.charged, tranche.in_doubt, tranche.expired}) >= 0,
                    "I1: no place of " + name() + " is below 0");
        SIM_REQUIRE(tranche.available >= 0 || may_owe(view, tranche),
                    "I1: A of " + name() + " is below 0 only for what the account has forgotten");
        if (!tranche.purchased) continue;
        SIM_REQUIRE(*tranche.purchased == places + tranche.leased,
                    "I1: P = A + C + D + X + leased of " + name());
        const bool ended = tranche.ends_at && now >= *tranche.ends_at;
        if (ended && tranche.leased > 0 && ended_while_leased_.insert(tranche.id).second)
            world_.tally.saw("grant ended with units leased");
    }
}

void Invariants::check_numbers(const AccountView& view) {
    for (const auto& [agent, number] : view_->lease_numbers)
        SIM_REQUIRE(value_of(view.lease_numbers, agent) >= number, "I7: lease numbers never fall");
    SIM_REQUIRE(view.entries >= view_->entries, "I8: the ledger is only ever added to");
}

// I7: what was known of the account before, it has not forgotten.
void Invariants::check_rises(const AccountView& view,
                             const std::map<std::int64_t, std::int64_t>& fallen_before) {
    for (const auto& [key, before] : view_->holdings) {
        const auto found = view.holdings.find(key);
        SIM_REQUIRE(found != view.holdings.end() && found->second.granted >= before.granted &&
                        found->second.used >= before.used &&
                        found->second.returned + leased_again_[key] >= before.returned,
                    "I7: G, U and R at the account never fall");
    }
    for (const TrancheRow& tranche : view.tranches) {
        const TrancheRow* before = view_->find(tranche.id);
        if (before != nullptr && put_backs_ == 0)
            SIM_REQUIRE(tranche.charged + fallen_since(fallen_before, tranche.id) >= before->charged,
                        "I7: what is charged never falls, but for what was given back or moved");
    }
}

// I16: whose agents' word is awaited is given nothing, but what a lease says that it had already.
void Invariants::check_learning(const AccountView& view) {
    if (view.learning_teams.empty() || view_->learning_teams.empty()) return;
    for (const auto& [key, holding] : view.holdings) {
        const auto& [agent, tranche, incarnation] = key;
        const std::string& team = view.find(tranche)->team;
        if (!view_->learning_teams.contains(team) || !view.learning_teams.contains(team)) continue;
        const std::int64_t rise = holding.granted - value_of(view_->holdings, key).granted;
        SIM_REQUIRE(
            rise <= value_of(had_already_, {agent, tranche}) + value_of(leased_again_, key),
            "I16: nothing is granted while the account learns: " + agent + " t" + std::to_string(tranche));
        if (rise > 0) world_.tally.saw("lease learned while others' are awaited");
    }
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
    std::map<std::int64_t, std::int64_t> given_back;  // by an operator, in the same moment: with which entry
    account_.store().database().each(
        "SELECT tranche, max(entry) FROM ledger WHERE entry > ? AND from_ = 'charged' AND to_ = 'available' "
        "GROUP BY 1",
        [&](auto& row) { given_back[row.integer(0)] = row.integer(1); }, since_entry);
    account_.store().database().each(
        "SELECT tranche, from_, to_, reason, coalesce(agent, ''), units, coalesce(incarnation, 0), entry "
        "FROM ledger WHERE entry > ?",
        [&](auto& row) {
            const TrancheRow& booked = *view.find(row.integer(0));
            const std::string reason = row.string(3);
            // Its slot is free again, though its agent counts it as used.
            if (reason == "draw order" && row.string(1) == "leased") freed_[booked.id] += row.integer(5);
            if (row.string(1) == "charged") note_fallen(booked.id, reason, row.integer(5));
            if (reason == "learned" && row.string(2) == "leased") {
                had_already_[{row.string(4), booked.id}] += row.integer(5);
                world_.tally.saw("units learned from an agent's lease");
            }
            if (row.string(1) == "leased" && row.string(2) == "available") {
                const bool last_word = reason == "retire" || reason == "hand over";
                SIM_REQUIRE(reason == "return" || reason == "draw order" ||
                                (last_word && view.retired.contains(row.string(4))),
                            "I15: a lease's units come back only when its agent says so, not by " + reason);
            }
            if (row.string(1) == "in_doubt" && row.string(2) == "available")
                SIM_REQUIRE(reason == "release", "I15: what is in doubt is sold again by release alone");
            if (reason == "count")
                SIM_REQUIRE(
                    booked.starts_at <= world_.now().ms,
                    "I12: nothing is counted of a cycle that hasn't begun: t" + std::to_string(booked.id));
            if (reason == "release") released_.insert(row.string(4));
            if (reason == "heard again") {
                leased_again_[{row.string(4), booked.id, row.integer(6)}] += row.integer(5);
                world_.tally.saw("agent that was given up is heard again");
            }
            if (reason == "retire") world_.tally.saw("lease of an agent that retired came back");
            if (reason == "hand over" && row.string(2) == "leased") {
                had_already_[{row.string(4), booked.id}] += row.integer(5);
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
                const std::int64_t source = earlier.pool.value_or(earlier.id);
                const bool freed =
                    came_free.contains(source) || value_of(given_back, source) > row.integer(7);
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

}  // namespace meterbox::sim
