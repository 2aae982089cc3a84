// At the end: faults have stopped, and everybody has synced.
#include <algorithm>
#include <set>

#include "account/audit.hpp"
#include "account/tranche.hpp"
#include "tests/sim/invariants.hpp"
#include "tests/sim/reference_bill.hpp"

namespace meterbox::sim {

void Invariants::check_end() {
    account_commits_ = 0;
    for (SeenAgent& seen : seen_) seen.commits = 0;
    check_step();
    for (std::size_t index = 0; index < agents_.size(); ++index) {
        if (agents_[index]->taken_off()) continue;
        SIM_REQUIRE(agents_[index]->up(), "at the end every agent is up");
        SIM_REQUIRE(world_.plan.retire_after[index] == 0 || agents_[index]->retired(),
                    "at the end whoever was told to retire has");
        SIM_REQUIRE(agents_[index]->retired() || products_[index]->book().all_acknowledged(),
                    "at the end every report was acknowledged");
        for (const agent::SessionView& session : agents_[index]->sessions().list())
            throw Violation("at the end no session is left over: " + session.id + ", " +
                            std::string(agent::name_of(session.state)));
        SIM_REQUIRE(agents_[index]->sessions().active() == 0, "at the end every session's end is stored");
        check_acknowledged(index);
        check_chain(index);
        if (view_->revoked.contains(agents_[index]->name().id)) continue;  // nobody hears it any more
        check_settled(index);
        check_incarnations(index);
    }
    check_capacity_is_back();
    check_usage();
    check_bill();
    for (const std::string& team : world_.plan.teams) {
        const account::AuditReport audit =
            account::audit(account_.store().database(), team, account_.store().now());
        SIM_REQUIRE(audit.ok(),
                    "audit finds no difference: " + (audit.ok() ? "" : audit.differences.front()));
        for (const std::string& finding : audit.findings)
            SIM_REQUIRE(finding.find("usage by hour adds up") == std::string::npos, "I21: " + finding);
    }
}

// Also of a tranche that has ended, and of what an answer that was lost had leased.
void Invariants::check_capacity_is_back() {
    for (const TrancheRow& tranche : view_->tranches)
        SIM_REQUIRE(!world_.plan.is_returnable(tranche.resource) || tranche.leased == 0,
                    "R10: at the end all that was held is back: t" + std::to_string(tranche.id));
    for (const auto& agent : agents_) {
        // Nobody hears that it gives back.
        if (view_->revoked.contains(agent->name().id) || agent->taken_off()) continue;
        for (const agent::LedgerView& ledger : agent->ledgers())
            for (const core::Tranche& tranche : ledger->tranches())
                SIM_REQUIRE(
                    !world_.plan.is_returnable(ledger->resource().key) || tranche.left() == core::Units{},
                    "R10: at the end nothing is kept: " + agent->name().id + " " + tranche.id);
    }
}

// I17: what the account counted in incarnations of before is what their disks had metered up to where the
// last one goes on: nothing is swallowed, nothing is there twice.
void Invariants::check_incarnations(std::size_t index) {
    SimAgent& agent = *agents_[index];
    const std::string& id = agent.name().id;
    SIM_REQUIRE(value_of(view_->incarnations, id) == agent.incarnation(), "I14: one live incarnation: " + id);
    if (has_copies(id)) return check_counted_of_copies(index);
    if (agent.incarnation() == 1) return;
    std::map<std::string, std::int64_t> counted;
    for (const auto& [key, row] : view_->past)
        if (std::get<0>(key) == id) counted[std::get<1>(key)] += row.metered;
    const auto fits = [&](const std::map<std::string, std::int64_t>& copy) {
        return std::ranges::all_of(agent.ledgers(), [&](const agent::LedgerView& ledger) {
            const std::string& key = ledger->resource().key;
            const auto there = copy.find(key);
            return agent.journal().former(key).value() == (there == copy.end() ? 0 : there->second);
        });
    };
    // Nothing went with a disk: all that the account counted before is what doesn't come along.
    if (put_backs_ > 0 && agent.restores() == 0) return check_forgotten(index, counted);
    SIM_REQUIRE(released_.contains(id) || std::ranges::any_of(agent.copies(), fits),
                "I17: an incarnation begins where the copy was made: " + id);
    for (const agent::LedgerView& ledger : agent.ledgers()) {
        const std::string& key = ledger->resource().key;
        const std::int64_t former = agent.journal().former(key).value();
        SIM_REQUIRE(agent.restores() > 0 ? counted[key] >= former : counted[key] == former,
                    "I17: what doesn't come along was counted: " + id + " " + key);
    }
}

void Invariants::check_forgotten(std::size_t index, std::map<std::string, std::int64_t>& counted) {
    SimAgent& agent = *agents_[index];
    for (const agent::LedgerView& ledger : agent.ledgers()) {
        const std::string& key = ledger->resource().key;
        SIM_REQUIRE(counted[key] == agent.journal().former(key).value(),
                    "I17: what came along is what the account had forgotten: " + agent.name().id + " " + key);
    }
    world_.tally.saw("agent went on as another incarnation after the account was put back");
}

// I4: seen is real.
void Invariants::check_settled(std::size_t index) {
    SimAgent& agent = *agents_[index];
    const std::string& id = agent.name().id;
    SIM_REQUIRE(agent.journal().pending_usage_rows() == 0, "I4: no usage of " + id + " is pending");
    if (agent.retired()) return check_retired(index);
    for (const agent::LedgerView& ledger : agent.ledgers()) {
        const core::Resource& resource = ledger->resource();
        if (resource.enforcement == core::Enforcement::none) continue;
        const CounterRow known = value_of(view_->counters, {id, resource.key});
        SIM_REQUIRE(known.metered == ledger->metered().value(), "I4: M is known: " + id + " " + resource.key);
        SIM_REQUIRE(known.remainder == ledger->remainder().value(),
                    "I4: q is known: " + id + " " + resource.key);
        SIM_REQUIRE(known.overage_units == ledger->overage_units().value(),
                    "I4: overage is known: " + id + " " + resource.key);
        for (const core::Tranche& tranche : ledger->tranches()) {
            const std::int64_t number = *account::tranche_from(tranche.id);
            const HoldingRow holding = value_of(view_->holdings, {id, number, agent.incarnation()});
            const std::string what = id + " " + tranche.id;
            SIM_REQUIRE(holding.used == tranche.used.value(), "I4: U is known: " + what);
            SIM_REQUIRE(holding.returned == tranche.returned.value(), "I4: R is known: " + what);
            const bool named = !tranche.ends_at || *tranche.ends_at > tranche.valid_from;
            const bool arrived = holding.granted == tranche.granted.value() || ended_before_put_back(number);
            SIM_REQUIRE(!named || arrived, "I4: the lease arrived: " + what);
        }
    }
    // I12: a slot was taken only while its tranche was valid, by the hour.
    account_.store().database().each(
        "SELECT tranche, hour FROM unit_hour WHERE agent = ? AND units > 0",
        [&](auto& row) {
            const TrancheRow& tranche = *view_->find(row.integer(0));
            const std::int64_t begins = row.integer(1) * core::hour_ms;
            const bool valid =
                begins + core::hour_ms > tranche.starts_at && (!tranche.ends_at || begins < *tranche.ends_at);
            SIM_REQUIRE(valid,
                        "I12: t" + std::to_string(tranche.id) + " gave a unit in an hour outside of it");
        },
        id);
}

// Usage by hour: each report in the hour that it named, each session whole; nothing else.
void Invariants::check_usage() {
    const UsageByHour usage = usage_by_hour(account_.store().database());
    using Key = std::pair<std::string, std::string>;  // resource and subject
    for (std::size_t index = 0; index < agents_.size(); ++index) {
        const std::string& id = agents_[index]->name().id;
        if (has_copies(id)) {
            check_usage_of_copies(index, usage);
            continue;
        }
        if (agents_[index]->restores() > 0 || view_->revoked.contains(id))
            continue;  // what went with its disk nobody knows by the hour
        const Book& book = products_[index]->book();
        std::map<Key, std::int64_t> whole;
        std::map<std::pair<Key, std::int64_t>, std::int64_t> named;
        for (const auto& [event_id, event] : book.events) {
            // What a retired agent refused, it refused for good.
            if (!event.acknowledged && !agents_[index]->journaled_events(event.resource).contains(event_id))
                continue;
            const Key key{event.resource, event.subject};
            whole[key] += event.amount;
            if (event.time) named[{key, core::hour_of(*event.time).number}] += event.amount;
        }
        for (const auto& [session, metered] : agents_[index]->metered_sessions())
            if (metered > 0) whole[{book.sessions.at(session).resource, session}] += metered;
        std::set<std::string> held;
        std::map<Key, std::int64_t> said;
        std::map<std::pair<Key, std::int64_t>, std::int64_t> said_by_hour;
        for (const auto& [row, amount] : usage) {
            const auto& [agent, resource, hour, subject] = row;
            if (agent != id) continue;
            if (world_.plan.is_returnable(resource)) {  // the most at once: each has its own subject
                // In each incarnation that it was held in.
                const std::int64_t quantity = book.sessions.at(subject).quantity;
                SIM_REQUIRE(amount > 0 && amount % quantity == 0,
                            "usage of " + subject + " is what it held: " + std::to_string(amount));
                held.insert(subject);
                continue;
            }
            said[{resource, subject}] += amount;
            said_by_hour[{{resource, subject}, hour}] += amount;
        }
        for (const auto& [session, metered] : agents_[index]->metered_sessions())
            SIM_REQUIRE(!book.sessions.at(session).holds || held.contains(session),
                        "usage is kept of what was held: " + session);
        for (const auto& [key, amount] : whole)
            SIM_REQUIRE(said[key] == amount, "I21: usage is kept: " + id + " " + key.first + " \"" +
                                                 key.second + "\": " + std::to_string(amount) +
                                                 " happened, " + std::to_string(said[key]) + " is known");
        for (const auto& [key, amount] : said)
            SIM_REQUIRE(amount == 0 || whole[key] == amount,
                        "no usage is invented: " + id + " " + key.second);
        for (const auto& [key, amount] : named)
            SIM_REQUIRE(said_by_hour[key] >= amount, "R15: a report counts in the hour of its time: " + id);
    }
}

// Of an agent whose disk was put back: what was counted while it was another incarnation, whose remainders
// the team's custody adds up, and what this one has metered. The same of one that has retired.
void Invariants::add_restored(std::size_t index, std::vector<Fact>& facts) {
    const AgentName& name = agents_[index]->name();
    for (const agent::LedgerView& ledger : agents_[index]->ledgers()) {
        const core::Resource& resource = ledger->resource();
        const auto known = [&](const auto& past) {  // also where its disk has forgotten all of it
            return std::get<0>(past.first) == name.id && std::get<1>(past.first) == resource.key;
        };
        if (ledger->metered() == core::Amount{} && std::ranges::none_of(view_->past, known)) continue;
        const std::int64_t left = agents_[index]->retired() ? ledger->remainder().value() : 0;
        facts.push_back({name.team, name.id, resource.key, ledger->metered().value() - left});
        facts.push_back({name.team, "custody of " + name.team, resource.key, left});
        for (const auto& [key, row] : view_->past) {
            const auto& [agent, past_resource, incarnation] = key;
            if (agent != name.id || past_resource != resource.key) continue;
            const std::int64_t remainder = row.metered % resource.unit_size.value();
            facts.push_back({name.team, name.id + "/" + std::to_string(incarnation), resource.key,
                             row.metered - remainder});
            facts.push_back({name.team, "custody of " + name.team, resource.key, remainder});
            if (remainder > 0) world_.tally.saw("remainder of a fenced agent in custody");
        }
    }
}

// Of an agent that was revoked: what the account knows of it, whose remainders the team's custody adds up.
void Invariants::add_known(std::size_t index, std::vector<Fact>& facts) {
    const AgentName& name = agents_[index]->name();
    const auto add = [&](const std::string& resource, std::int64_t incarnation, const CounterRow& row) {
        if (row.metered == 0) return;
        const std::int64_t remainder = value_of(view_->handed_over, {name.id, resource, incarnation});
        facts.push_back(
            {name.team, name.id + "/" + std::to_string(incarnation), resource, row.metered - remainder});
        facts.push_back({name.team, "custody of " + name.team, resource, remainder});
    };
    for (const auto& [key, row] : view_->counters)
        if (key.first == name.id) add(key.second, value_of(view_->incarnations, name.id), row);
    for (const auto& [key, row] : view_->past)
        if (std::get<0>(key) == name.id) add(std::get<1>(key), std::get<2>(key), row);
}

void Invariants::check_bill() {
    std::vector<Fact> facts;
    for (std::size_t index = 0; index < agents_.size(); ++index) {
        const AgentName& name = agents_[index]->name();
        if (agents_[index]->taken_off()) continue;
        if (view_->revoked.contains(name.id)) {
            add_known(index, facts);
            continue;
        }
        if (agents_[index]->retired()) {
            add_restored(index, facts);
            continue;
        }
        // Which of it counts, where modes change, check_counted() has compared with what products know.
        if (world_.plan.modes_change()) {
            for (const agent::LedgerView& ledger : agents_[index]->ledgers())
                facts.push_back({name.team, name.id, ledger->resource().key, ledger->metered().value()});
            continue;
        }
        if (agents_[index]->restores() > 0 || agents_[index]->incarnation() > 1 || has_copies(name.id)) {
            add_restored(index, facts);
            continue;
        }
        for (const auto& [id, event] : products_[index]->book().events)
            facts.push_back({name.team, name.id, event.resource, event.amount});
        // What products weren't told of their sessions, the journal alone knows.
        for (const auto& [id, metered] : agents_[index]->metered_sessions())
            facts.push_back({name.team, name.id, products_[index]->book().sessions.at(id).resource, metered});
    }
    std::vector<BilledGrant> grants;
    std::map<std::pair<std::string, std::string>, AccountLine> lines;
    std::map<std::string, std::int64_t> tokens;  // by team
    const std::int64_t now = world_.now().ms;
    for (const TrancheRow& tranche : view_->tranches) {
        const bool valid = tranche.starts_at <= now && (!tranche.ends_at || now < *tranche.ends_at);
        if (tranche.starts_at > now) continue;  // a cycle that hasn't begun
        if (tranche.is_pool()) {
            tokens[tranche.team] += *tranche.purchased;
            continue;
        }
        if (!tranche.pool)
            grants.push_back(
                {tranche.team, tranche.resource, !tranche.purchased, tranche.purchased.value_or(0), valid});
        AccountLine& line = lines[{tranche.team, tranche.resource}];
        // A unit that was given back was completed all the same, and can be sold again.
        const auto back = given_back_.find(tranche.id);
        const std::int64_t given_back = back == given_back_.end() ? 0 : back->second;
        line.charged_units += tranche.charged + given_back - value_of(view_->counted, tranche.id);
        if (given_back > 0) grants.push_back({tranche.team, tranche.resource, false, given_back, valid});
        // An agent takes units of a tranche with its next sync, so one that has just begun isn't missed yet.
        const bool long_enough = tranche.starts_at <= now - 2 * world_.plan.sync_interval_ms;
        if (valid && long_enough) line.still_to_be_had += view_->unleased(tranche);
        // One that an operator ended is open no more; the audit finds one that ended without their word.
        line.open_at_the_end =
            line.open_at_the_end || (valid && long_enough && !tranche.ended && !tranche.purchased);
    }
    for (const auto& [key, sums] : view_->team_sums) {
        lines[key].overage_units = sums.overage_units;
        lines[key].remainders = sums.remainder;
    }
    std::map<std::string, std::int64_t> unit_sizes;
    for (const core::Resource& resource : world_.plan.resources)
        if (world_.plan.modes_change() || core::counts(resource.enforcement))
            unit_sizes[resource.key] = resource.unit_size.value();
    const Bill bill = reference_bill(facts, grants, unit_sizes);
    const std::string overspent = tokens_overspent(bill, lines, tokens, world_.plan.least_rates());
    SIM_REQUIRE(overspent.empty(), "the bill agrees: " + overspent);
    for (const auto& [key, line] : bill) {
        const std::string wrong = disagreement(line, lines[key], tokens.contains(key.first));
        SIM_REQUIRE(wrong.empty(), "the bill agrees: " + key.first + " " + key.second + ": " + wrong);
        world_.trace.add("bill", key.first + " " + key.second + " " + std::to_string(line.completed_units));
    }
}

}  // namespace meterbox::sim
