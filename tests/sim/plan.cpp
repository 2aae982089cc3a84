#include "tests/sim/plan.hpp"

#include <algorithm>

#include "core/limits.hpp"

namespace meterbox::sim {

namespace {

core::Resource resource(const std::string& key, core::Measure measure, std::int64_t unit_size) {
    core::Resource made;
    made.key = key;
    made.name = key;
    made.measure = measure;
    made.unit_size = core::Amount{unit_size};
    return made;
}

}  // namespace

Plan::Plan(std::uint64_t from, Canary broken) : seed(from), canary(broken) {
    Dice dice = Dice::named(seed, "plan");
    using core::hour_ms;
    using core::minute_ms;
    // Many short worlds find more in the same time than few long ones.
    length_ms = dice.chance(200) ? dice.between(12, 48) * hour_ms : dice.between(3, 12) * hour_ms;
    teams = {"red"};
    if (dice.chance(400)) teams.push_back("blue");
    const std::int64_t count = dice.between(2, 4);
    for (std::int64_t i = 0; i < count; ++i)
        agents.push_back(teams[static_cast<std::size_t>(i) % teams.size()]);
    resources.push_back(resource("render", core::Measure::duration,
                                 dice.chance(500) ? 20 * minute_ms : dice.between(60, 600) * 1'000));
    resources.push_back(resource("calls", core::Measure::count, dice.spread(1, 1'000)));
    resources.push_back(resource("seats", core::Measure::count, 1));
    resources.back().kind = core::Kind::returnable;
    // Seldom, in most: what happens between two syncs is where things go wrong, and an idle one costs as
    // much.
    sync_interval_ms =
        dice.chance(300) ? 4 * minute_ms : dice.between(dice.chance(200) ? 10 : 240, 3'600) * 1'000;
    busy_per_mille = dice.spread(20, 400);

    const auto rate = [&dice](std::int64_t most) {
        if (dice.chance(300)) return std::int64_t{0};
        return dice.chance(500) ? dice.spread(1, most) : dice.between(1, most);
    };
    lost = rate(200);
    repeated = rate(200);
    late = rate(100);
    answer_lost = rate(200);
    product_answer_lost = rate(100);
    const auto every = [&dice](std::int64_t least_ms) {
        return dice.chance(350) ? 0 : dice.spread(least_ms, least_ms * 20);
    };
    partition_every = every(2 * hour_ms);
    outage_every = every(8 * hour_ms);
    agent_crash_every = every(hour_ms);
    account_crash_every = every(hour_ms);
    disk_full_every = every(3 * hour_ms);
    clock_turn_every = every(4 * hour_ms);
    suspend_every = every(4 * hour_ms);
    disk_copied_every = dice.chance(500) ? 0 : dice.spread(2 * hour_ms, 30 * hour_ms);
    grant_every = dice.between(1, 8) * hour_ms;
    for (core::Resource& resource : resources)
        if (resource.kind == core::Kind::exhaustible && dice.chance(250))
            resource.enforcement = dice.chance(600) ? core::Enforcement::soft : core::Enforcement::none;
    mode_change_every = dice.chance(600) ? 0 : dice.spread(hour_ms / 2, 8 * hour_ms);
    offline_horizon_ms =
        dice.chance(500) ? core::limits::offline_horizon_default_ms : dice.spread(5 * minute_ms, 6 * hour_ms);
    no_battery = dice.chance(300);
    store_copied_every = dice.chance(600) ? 0 : dice.spread(hour_ms, 10 * hour_ms);
    store_put_back_by_hand = dice.chance(300);
    bring_about_what_is_rare();
    // An account that was put back has forgotten modes.
    if (modes_change()) store_copied_every = 0;
    if (store_copied_every > 0) disk_copied_every = 0;
    leave();
    // Which usage of a disk that is gone counted, nobody knows any more.
    if (modes_change()) disk_copied_every = 0;
    keep_little();
    copy_disks();
    keep_few_links();
    Dice slow = Dice::named(seed, "slow disks");
    if (slow.chance(300)) commit_ms = slow.even(1, 2'000);
    for (std::size_t i = 0; i < resources.size(); ++i)
        rates.emplace_back(dice.between(1, 7), dice.between(1, 7));
    // The world begins at 8 in the morning; cycles begin from 18:15 to 05:00, by their zones.
    if (dice.chance(400)) night_outage_at = dice.between(9 * hour_ms, 15 * hour_ms);
}

std::map<std::string, std::int64_t> Plan::least_rates() const {
    std::map<std::string, std::int64_t> least;
    for (std::size_t i = 0; i < resources.size(); ++i)
        least[resources[i].key] = std::min(rates[i].first, rates[i].second);
    return least;
}

// The first of each team stays, so that somebody takes the units that come back. An account that was put
// back has forgotten who left; whom an operator gave up it may have forgotten, or hold for lost still.
void Plan::leave() {
    Dice dice = Dice::named(seed, "leaving");
    const bool forgets = store_copied_every > 0;
    const bool some_leave = dice.chance(400) && !forgets;
    for (std::size_t index = 0; index < agents.size(); ++index) {
        const bool leaves = some_leave && index >= teams.size() && dice.chance(700);
        const bool by_itself = dice.chance(700);
        const std::int64_t after = leaves ? dice.between(core::hour_ms, length_ms) : 0;
        retire_after.push_back(by_itself ? after : 0);
        revoke_after.push_back(by_itself ? 0 : after);
    }
    if (dice.chance(300)) write_off_every = slowness * dice.spread(2 * core::hour_ms, 24 * core::hour_ms);
    // By the account itself, then; or by an operator, so that it is known who did.
    Dice silent = Dice::named(seed, "silence");
    if (forgets || !silent.chance(300)) return;
    write_off_every = 0;
    lost_after_ms = slowness * silent.spread(core::hour_ms, 12 * core::hour_ms);
    // What was released is counted anew by whoever used it: where modes change nobody could tell how much.
    // count releases, too, what is of a cycle that hasn't begun.
    static constexpr std::string_view policies[] = {"hold", "count", "release"};
    lost_policy = policies[silent.number() % (modes_change() ? 1 : 3)];
}

// What was reported must be told from what counts by its usage alone, for its events are gone.
void Plan::keep_little() {
    Dice dice = Dice::named(seed, "budget");
    const auto leaves = [](const std::vector<std::int64_t>& after) {
        return std::ranges::any_of(after, [](std::int64_t ms) { return ms > 0; });
    };
    if (modes_change() || leaves(retire_after) || leaves(revoke_after) || !dice.chance(400)) return;
    journal_budget_bytes = core::limits::write_ahead_log_bytes_max + dice.between(100, 1'000) * 1'024;
}

// As if an agent had run for weeks. An account that was put back may know less than the oldest link that is
// left: with as many links as are kept by default no backup is as old as that.
void Plan::keep_few_links() {
    Dice dice = Dice::named(seed, "links");
    if (store_copied_every > 0 || journal_budget_bytes > 0 || !dice.chance(300)) return;
    links_kept = dice.spread(4, 400);
}

// Nothing else that makes incarnations, or has usage counted by another's word: what both disks metered must
// be known.
void Plan::copy_disks() {
    Dice dice = Dice::named(seed, "two at work");
    if (!dice.chance(150)) return;
    store_copied_every = disk_copied_every = mode_change_every = 0;
    write_off_every = lost_after_ms = journal_budget_bytes = 0;
    retire_after.assign(agents.size(), 0);
    revoke_after.assign(agents.size(), 0);
    allowed_with_two = dice.chance(600);
    const std::size_t often = dice.number() % agents.size();
    for (std::int64_t count = dice.between(1, 4); count > 0; --count) {
        const std::size_t index = dice.chance(700) ? often : dice.number() % agents.size();
        const std::int64_t after = dice.between(length_ms / 20, length_ms * 3 / 4);
        const std::int64_t left = length_ms - after - 10 * core::minute_ms;
        disk_copies.push_back(
            {index, after,
             dice.chance(200) ? dice.spread(core::minute_ms, left) : dice.between(left / 8, left)});
    }
}

// What takes several things at once, in one world of twenty each, or a long time, in four.
void Plan::bring_about_what_is_rare() {
    using core::hour_ms;
    using core::minute_ms;
    switch (Dice::named(seed, "what is rare").between(0, 19)) {
        case 0:  // a disk that is put back again and again
            store_copied_every = 0;
            disk_copied_every = 2 * hour_ms;
            mode_change_every = 0;
            length_ms = 48 * hour_ms;
            return;
        case 1:  // keys that are rolled while an agent is away
            store_copied_every = 0;
            rolled_per_mille = 900;
            grant_every = hour_ms / 2;
            partition_every = 2 * hour_ms;
            return;
        case 2:  // little things that many hold, also while their agent is away
            held_per_mille = 900;
            held_at_most = 3;
            busy_per_mille = 400;
            partition_every = 2 * hour_ms;
            return;
        case 3:  // an agent that isn't there when a session ends
            agent_crash_every = hour_ms / 3;
            busy_per_mille = 400;
            disk_full_every = 0;
            return;
        case 4:
        case 5:
        case 6:
        case 7:
            return become_long_and_quiet();
        default:
            return;
    }
}

// Weeks in which machines are away for days, leases end, and a month's cycle begins.
void Plan::become_long_and_quiet() {
    Dice dice = Dice::named(seed, "long and quiet");
    slowness = 12;
    length_ms = dice.between(5, 15) * core::day_ms;
    busy_per_mille = dice.spread(3, 15);
    sync_interval_ms = dice.between(20, 60) * core::minute_ms;
    for (std::int64_t* every : {&partition_every, &outage_every, &agent_crash_every, &account_crash_every,
                                &disk_full_every, &clock_turn_every, &suspend_every, &disk_copied_every,
                                &store_copied_every, &grant_every, &mode_change_every})
        *every *= slowness;
}

bool Plan::is_returnable(const std::string& key) const {
    for (const core::Resource& resource : resources)
        if (resource.key == key) return resource.kind == core::Kind::returnable;
    return false;
}

}  // namespace meterbox::sim
