// Who is let in, who is turned away, and what stays reserved for those who run (I6, I20).
#include <algorithm>

#include "tests/sim/invariants.hpp"

namespace meterbox::sim {

// I6: what an agent gives back isn't what its sessions run on.
void Invariants::check_reserved(std::size_t index, const core::ResourceLedger& ledger, bool gave_back) {
    SimAgent& agent = *agents_[index];
    const std::string& key = ledger.resource().key;
    const bool running = ledger.resource().kind == core::Kind::exhaustible &&
                         ledger.resource().enforcement == core::Enforcement::hard &&
                         agent.sessions().count(key) > 0;
    if (!gave_back || !running || agent.retiring()) return;
    world_.tally.saw("units given back beside a session that runs");
    SIM_REQUIRE(agent.sessions().standing(key).available > core::Amount{},
                "I6: the unit of a session that runs stays: " + agent.name().id + " " + key);
}

// What is left to run on, added up anew from what is stored: who goes by more stops too late, who goes by
// less too early (R6). A stale lease gives no more than the units that had begun.
void Invariants::check_left(std::size_t index, const core::ResourceLedger& ledger) {
    SimAgent& agent = *agents_[index];
    const core::Resource& resource = ledger.resource();
    const bool exact = world_.plan.commit_ms == 0 && !world_.plan.modes_change() &&
                       resource.kind == core::Kind::exhaustible &&
                       resource.enforcement == core::Enforcement::hard;
    if (!exact || agent.retiring()) return;
    const core::Supply& supply = agent.balances().all().at(resource.key).supply;
    const core::Now now = agent.time().range();
    const bool stale = supply.spend_until && now.latest >= *supply.spend_until;
    std::pair<core::UtcTime, std::int64_t>& begun = seen_[index].begun[resource.key];
    if (!stale) begun = {};
    if (supply.suspect) return;
    std::int64_t units = 0;
    std::int64_t used = 0;
    for (const core::Tranche& tranche : ledger.tranches()) {
        used += tranche.used.value();
        const bool valid =
            tranche.valid_from <= now.earliest && (!tranche.ends_at || now.latest < *tranche.ends_at);
        if (valid) units += (tranche.granted - tranche.used - tranche.returned).value();
    }
    const std::int64_t unit = resource.unit_size.value();
    const std::int64_t metered = ledger.metered().value();
    const std::int64_t runs = agent.journaled(
        "SELECT count(*) FROM session WHERE resource = ? AND ended_at_ms IS NULL AND stop_at_ms IS NULL",
        resource.key);
    const std::int64_t since_marks = agent.journaled(
        "SELECT coalesce(sum(coalesce(stop_at_ms, 0) - mark_ms), 0) FROM session WHERE resource = ? AND "
        "ended_at_ms IS NULL",
        resource.key);
    const std::int64_t running = runs * agent.clock().monotonic_now().ms + since_marks;
    if (stale && begun.first != *supply.spend_until)
        begun = {*supply.spend_until, (metered + running + unit - 1) / unit};
    std::int64_t left = unit * (units - (metered / unit - used)) - metered % unit - running;
    if (stale) left = std::min(left, unit * begun.second - metered - running);
    const std::int64_t told = agent.sessions().standing(resource.key).available.value();
    const bool right =
        stale ? told <= std::max<std::int64_t>(0, left) : told == std::max<std::int64_t>(0, left);
    if (stale && running > 0) world_.tally.saw("session on a stale lease");
    SIM_REQUIRE(right, "R6: what is left: " + agent.name().id + " " + resource.key + ", " +
                           std::to_string(told) + " told, " + std::to_string(left) + " there");
    if (running > 0 && left > 0) world_.tally.saw("what is left added up beside what runs");
}

}  // namespace meterbox::sim
