// What changes of enforcement and turned clocks must leave alone (R7, R15).
#include <algorithm>

#include "tests/sim/invariants.hpp"

namespace meterbox::sim {

namespace {

constexpr std::int64_t answer_ms_max = 12'000;  // as long as an exchange may take, and the hearing of it

}  // namespace

void Invariants::note_modes(std::size_t index) {
    SimAgent& agent = *agents_[index];
    SeenAgent& seen = seen_[index];
    if (!world_.plan.modes_change() || !agent.up()) return;
    const core::MonotonicTime now = agent.clock().monotonic_now();
    for (const core::Resource& resource : world_.plan.resources) {
        const core::Enforcement mode = agent.mode_of(resource.key);
        seen.modes[resource.key].observe(agent.boots(), agent.run(), now, core::counts(mode));
        const auto before = seen.mode.try_emplace(resource.key, mode).first;
        if (before->second != mode && agent.sessions().count(resource.key) > 0)
            world_.tally.saw("mode changed while a session ran");
        before->second = mode;
    }
}

// The mark is of trusted time alone, and the clock never falls behind it.
void Invariants::check_clock(std::size_t index) {
    SimAgent& agent = *agents_[index];
    SeenAgent& seen = seen_[index];
    const core::UtcTime mark = agent.journal().high_water().value_or(core::UtcTime{});
    SIM_REQUIRE(mark >= seen.mark, "I7: the clock's high-water mark never falls: " + agent.name().id);
    SIM_REQUIRE(mark <= world_.now(), "the mark is of trusted time alone: " + agent.name().id);
    const auto trusted = agent.time().trusted().trusted_now(agent.time().read());
    SIM_REQUIRE(trusted.value_or(core::UtcTime{}) >= mark,
                "R15: trusted time never falls: " + agent.name().id);
    // Who was answered in this run knows the time, but for how long that answer was under way.
    const bool answered = agent.link().syncs() > 0;
    SIM_REQUIRE(!answered || world_.now() - trusted.value_or(core::UtcTime{}) <= answer_ms_max,
                "R15: trusted time doesn't fall behind: " + agent.name().id + " by " +
                    std::to_string(world_.now() - trusted.value_or(core::UtcTime{})) + " ms");
    seen.mark = mark;
}

// M lies between what must count and what may, by what its products know of when it ran (R7).
void Invariants::check_counted(std::size_t index, const core::ResourceLedger& ledger) {
    SimAgent& agent = *agents_[index];
    const Book& book = products_[index]->book();
    const std::string& key = ledger.resource().key;
    std::int64_t least = 0;
    std::int64_t most = 0;
    for (const auto& [id, amount] : agent.journaled_events(key)) {
        const ReportedEvent& event = book.events.at(id);
        if (!event.may_not_count) least += amount;
        if (event.may_count) most += amount;
        if (!event.may_count) world_.tally.saw("usage recorded and not counted");
    }
    for (const auto& [id, metered] : agent.metered_sessions()) {
        const KnownSession& session = book.sessions.at(id);
        if (session.resource != key) continue;
        const auto [counted, uncounted] = counted_of(index, id, session, metered);
        least += metered - uncounted;
        most += counted;
    }
    const std::int64_t counted = ledger.metered().value();
    SIM_REQUIRE(counted >= least && counted <= most,
                "R7: what is charged ran while the mode counted: " + agent.name().id + " " + key + ": " +
                    std::to_string(counted) + ", at least " + std::to_string(least) + ", at most " +
                    std::to_string(most));
    if (ledger.resource().enforcement == core::Enforcement::soft && ledger.overage_units() > core::Units{})
        world_.tally.saw("soft resource in overage");
}

// How much of a session's time may have counted, and may not have. Of a boot that is over: as it was noted.
std::pair<std::int64_t, std::int64_t> Invariants::counted_of(std::size_t index, const std::string& id,
                                                             const KnownSession& session,
                                                             std::int64_t metered) {
    SimAgent& agent = *agents_[index];
    SeenAgent& seen = seen_[index];
    std::pair<std::int64_t, std::int64_t>& noted = seen.counted[id];
    if (session.boot != agent.boots()) {
        // What it ran since it was noted isn't known any more.
        const std::int64_t since = metered - seen.counted_of[id];
        return {std::min(metered, noted.first + since), std::min(metered, noted.second + since)};
    }
    const core::MonotonicTime latest_start = session.began ? session.began_at : agent.clock().monotonic_now();
    const ModeTimes& modes = seen.modes[session.resource];
    noted = {std::min(metered, modes.may_count_ms(session.asked_at, latest_start + metered)),
             std::min(metered, modes.may_not_count_ms(session.asked_at, latest_start + metered))};
    seen.counted_of[id] = metered;
    return noted;
}

}  // namespace meterbox::sim
