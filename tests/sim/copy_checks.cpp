// Several machines that are one agent: each has its own counters, and the account those of incarnations, each
// of which one machine alone went on with (I2, I3, I8, I13, I14, I17).
#include <algorithm>

#include "account/tranche.hpp"
#include "tests/sim/invariants.hpp"

namespace meterbox::sim {

namespace {

void raise(std::int64_t& to, std::int64_t value) {
    to = std::max(to, value);
}

}  // namespace

void Invariants::add_machine() {
    seen_.resize(agents_.size());
    seen_.back().incarnation = 0;
}

// What its products were told stays on its disk, whatever the account has of it.
void Invariants::check_leaving(std::size_t index) {
    if (agents_[index]->up() && agents_[index]->powered()) check_acknowledged(index);
}

bool Invariants::has_copies(const std::string& id) const {
    return std::ranges::any_of(
        agents_, [&id](const auto& agent) { return agent->is_copy() && agent->name().id == id; });
}

// The most that any of an agent's machines has committed in an incarnation.
void Invariants::note_most(std::size_t index) {
    const SimAgent& agent = *agents_[index];
    const std::string& id = agent.name().id;
    seen_[index].metered_ever = agent.metered_ever();
    for (const auto& [key, metered] : seen_[index].metered)
        raise(most_metered_[{id, key, agent.incarnation()}], metered);
    for (const auto& [tranche, real] : seen_[index].tranches)
        raise(most_used_[{id, tranche, agent.incarnation()}], real.used);
}

// What a machine committed and sent just before it fell is read from its disk when it is up again.
bool Invariants::all_read(const std::string& id) const {
    for (std::size_t index = 0; index < agents_.size(); ++index)
        if (agents_[index]->name().id == id && !agents_[index]->up() &&
            agents_[index]->committed() != seen_[index].committed)
            return false;
    return true;
}

// The account knows no more of an incarnation than some machine has done in it. What a machine did only
// grows, so that who committed doesn't matter here.
void Invariants::check_no_more_is_known() {
    counted_.clear();
    for (const auto& [key, row] : view_->past) counted_[key] = row.metered;
    for (const auto& [key, row] : view_->counters)
        counted_[{key.first, key.second, value_of(view_->incarnations, key.first)}] = row.metered;
    for (const auto& [key, metered] : counted_) {
        const auto& [id, resource, incarnation] = key;
        if (view_->custodian(id) || !all_read(id)) continue;
        SIM_REQUIRE(metered <= value_of(most_metered_, key),
                    "I3: no more is counted than a machine metered: " + id + " " + resource + " in " +
                        std::to_string(incarnation));
    }
    for (const auto& [key, holding] : view_->holdings) {
        if (view_->custodian(std::get<0>(key)) || !all_read(std::get<0>(key))) continue;
        SIM_REQUIRE(holding.used <= value_of(most_used_, key),
                    "I3: no more is charged than a machine used: " + std::get<0>(key) + " t" +
                        std::to_string(std::get<1>(key)) + " in " + std::to_string(std::get<2>(key)));
    }
}

// And no less than it has acknowledged to any.
void Invariants::check_copies(bool account_changed) {
    if (world_.plan.disk_copies.empty() || !view_ || !account_.up()) return;
    if (account_changed) check_no_more_is_known();
    for (std::size_t index = 0; index < agents_.size(); ++index) {
        if (!seen_[index].to_compare) continue;
        const std::string& id = agents_[index]->name().id;
        for (const auto& [key, metered] : agents_[index]->acknowledged())
            SIM_REQUIRE(value_of(counted_, {id, key.first, key.second}) >= metered,
                        "I8: what was acknowledged is counted in its incarnation: " + id + " " + key.first);
        for (const auto& [tranche, real] : seen_[index].tranches)
            SIM_REQUIRE(
                real.granted <= value_of(view_->holdings, {id, tranche, seen_[index].incarnation}).granted,
                "I8, I13: a lease left after its grant: " + id + " t" + std::to_string(tranche));
    }
}

// I2: a lease that two machines have may be used by each of them. Beyond what was bought, no more than what
// each copy can have had of it at once.
void Invariants::check_spent_twice() {
    if (world_.plan.disk_copies.empty()) return;
    std::map<std::int64_t, std::int64_t> used;
    std::map<std::int64_t, std::int64_t> allowed;
    for (const auto& [key, holding] : view_->holdings) used[std::get<1>(key)] += holding.used;
    for (std::size_t index = 0; index < agents_.size(); ++index)
        for (const auto& [tranche, real] : seen_[index].tranches) {
            const HoldingRow known =
                value_of(view_->holdings, {agents_[index]->name().id, tranche, seen_[index].incarnation});
            used[tranche] += std::max<std::int64_t>(0, real.used - known.used);
            std::int64_t& lease = seen_[index].largest_lease[tranche];
            raise(lease, real.granted - real.returned);
            if (agents_[index]->is_copy()) allowed[tranche] += lease;
        }
    for (const TrancheRow& tranche : view_->tranches)
        if (tranche.purchased && !tranche.is_pool())
            SIM_REQUIRE(used[tranche.id] - freed_[tranche.id] <= *tranche.purchased + allowed[tranche.id],
                        "I2: of a copied lease no more is used than twice: t" + std::to_string(tranche.id));
}

// I17: all that the original metered is counted once; of each copy what it had brought, and that is at least
// what was acknowledged to it, and at most what it metered.
void Invariants::check_counted_of_copies(std::size_t index) {
    const SimAgent& original = *agents_[index];
    const std::string& id = original.name().id;
    std::map<std::string, std::int64_t> counted;
    for (const auto& [key, row] : view_->past)
        if (std::get<0>(key) == id) counted[std::get<1>(key)] += row.metered;
    for (const auto& [key, row] : view_->counters)
        if (key.first == id) counted[key.second] += row.metered;
    for (const auto& [resource, ever] : original.metered_ever()) {
        std::int64_t least = ever;
        std::int64_t most = ever;
        for (std::size_t other = 0; other < agents_.size(); ++other) {
            const SimAgent& copy = *agents_[other];
            if (!copy.is_copy() || copy.name().id != id) continue;
            const std::int64_t before = value_of(copy.copied(), resource);
            most += value_of(seen_[other].metered_ever, resource) - before;
            const std::int64_t brought = value_of(copy.acknowledged_ever(), resource) - before;
            least += std::max<std::int64_t>(0, brought);
            if (brought > 0) world_.tally.saw("usage of a copy counted");
        }
        const std::int64_t all = counted[resource];
        SIM_REQUIRE(all >= least && all <= most, "I17: what is counted is what two disks metered: " + id +
                                                     " " + resource + ": " + std::to_string(all) +
                                                     ", at least " + std::to_string(least) + ", at most " +
                                                     std::to_string(most));
        if (all < most) world_.tally.saw("usage of a copy never brought");
    }
}

// I21: usage of the original is kept, by subject; and no more is there than products of both disks reported
// and ran. What a copy's products did, but had no subject of their own for, can't be told from the
// original's.
void Invariants::check_usage_of_copies(std::size_t index, const UsageByHour& usage) {
    SimAgent& agent = *agents_[index];
    const std::string& id = agent.name().id;
    if (agent.is_copy()) return;
    using Key = std::pair<std::string, std::string>;  // resource and subject
    std::map<Key, std::int64_t> least;
    std::map<Key, std::int64_t> most;
    std::map<Key, std::int64_t> said;
    for (const auto& [key, event] : products_[index]->book().events)
        least[{event.resource, event.subject}] += event.amount;
    for (const auto& [session, metered] : agent.metered_sessions())
        if (metered > 0) least[{products_[index]->book().sessions.at(session).resource, session}] += metered;
    most = least;
    std::map<std::string, std::string> sessions;  // of copies
    for (std::size_t other = 0; other < agents_.size(); ++other) {
        if (!agents_[other]->is_copy() || agents_[other]->name().id != id) continue;
        const Book& book = products_[other]->book();
        for (const auto& [key, event] : book.events) most[{event.resource, event.subject}] += event.amount;
        for (const auto& [session, known] : book.sessions) sessions[session] = known.resource;
    }
    for (const auto& [row, amount] : usage)
        if (const auto& [of, resource, hour, subject] = row; of == id) said[{resource, subject}] += amount;
    for (const auto& [key, amount] : least)
        SIM_REQUIRE(said[key] >= amount, "I21: usage is kept: " + id + " " + key.first + " \"" + key.second +
                                             "\": " + std::to_string(amount) + " happened, " +
                                             std::to_string(said[key]) + " is known");
    for (const auto& [key, amount] : said) {
        if (world_.plan.is_returnable(key.first)) continue;
        const auto session = sessions.find(key.second);
        const bool of_copy = session != sessions.end() && session->second == key.first;
        SIM_REQUIRE(of_copy || amount <= value_of(most, key),
                    "no usage is invented: " + id + " " + key.first + " \"" + key.second +
                        "\": " + std::to_string(amount) + " is known, " +
                        std::to_string(value_of(most, key)) + " happened");
    }
}

}  // namespace meterbox::sim
