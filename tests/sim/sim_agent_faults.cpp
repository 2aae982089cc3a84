// What goes wrong on an agent's machine, and when: crashes, full disks, turned clocks, suspends, disks that
// are put back.
#include <algorithm>
#include <utility>

#include "tests/sim/sim_agent.hpp"

namespace meterbox::sim {

void SimAgent::stop_and_start() {
    world_.tally.fault("agent: stopped and started");
    process_->sessions.shut_down();
    process_->link.stop();
    process_->retention.stop();
    process_->clock_keeper.stop();
    process_->storage_watch.stop();
    process_->store.stop();
    disk_.lose_process();
    fall(false);
}

void SimAgent::crash_soon() {
    if (!answers()) return;
    try {
        switch (dice_.between(0, 5)) {
            case 0:
                world_.tally.fault("agent: power lost while it writes");
                disk_.lose_power_after(dice_.between(0, 12));
                return;
            case 1:
                world_.tally.fault("agent: crash between commit and answer");
                world_.tally.saw("commit without an answer: agent");
                process_->transactions.lose_after_commit();
                return;
            case 2:
                world_.tally.fault("agent: killed");
                disk_.lose_process();
                return fall(false);
            case 3:
                return stop_and_start();
            case 4:  // counted where it takes effect
                process_->transactions.fail_in_commit(static_cast<std::uint64_t>(dice_.between(1, 12)));
                return;
            default:
                world_.tally.fault("agent: power lost");
                return fall(true);
        }
    } catch (const PowerLost&) {
        fall(true);
    }
}

void SimAgent::begin_faults() {
    next_crash();
    next_full_disk();
    next_turn_of_clock();
    next_suspend();
    next_copy();
    const std::int64_t after = is_copy() ? 0 : world_.plan.retire_after[index_];
    if (after > 0) world_.schedule.after(after, [this] { retire_until_done(); });
}

// As whoever runs the machine does: asks again until it is done. A disk of before isn't put back from then
// on.
void SimAgent::retire_until_done() {
    if (answers()) {
        if (!told_to_retire_) told_to_retire_ = run_;
        if (retired()) {
            world_.tally.saw("agent retired");
            if (*told_to_retire_ != run_) world_.tally.saw("agent retired across a restart");
            return;
        }
        call([this] { process_->link.retire([](const core::Result<void>&) {}); });
        for (int asked = 0; asked < 6; ++asked)
            world_.schedule.after(dice_.spread(1, 30'000), [this] {
                if (answers()) call([this] { ask_for_sync(); });
            });
    }
    world_.schedule.after(dice_.between(1, 20) * core::minute_ms, [this] { retire_until_done(); });
}

// As an admin does, or a report of a resource that isn't known yet.
void SimAgent::ask_for_sync() {
    int& awaited = process_->syncs_awaited;
    ++awaited;
    process_->link.sync_now([&awaited](const core::Result<void>&) { --awaited; });
}

void SimAgent::next_crash() {
    if (world_.plan.agent_crash_every == 0) return;
    world_.schedule.after(dice_.between(1, 2 * world_.plan.agent_crash_every), [this] {
        if (!may_fail()) return;
        crash_soon();
        next_crash();
    });
}

void SimAgent::next_full_disk() {
    if (world_.plan.disk_full_every == 0) return;
    world_.schedule.after(dice_.between(1, 2 * world_.plan.disk_full_every), [this] {
        if (!may_fail()) return;
        world_.tally.fault("agent: disk full");
        disk_.set_full(true);
        world_.schedule.after(dice_.even(1'000, core::hour_ms), [this] {
            disk_.set_full(false);
            next_full_disk();
        });
    });
}

void SimAgent::next_turn_of_clock() {
    if (world_.plan.clock_turn_every == 0) return;
    world_.schedule.after(dice_.between(1, 2 * world_.plan.clock_turn_every), [this] {
        if (!may_fail()) return;
        world_.tally.fault("agent: wall clock turned");
        const std::int64_t far = dice_.even(1'000, 400 * core::day_ms);
        clock_.set_wall(dice_.chance(300) ? world_.now() : world_.now() + (dice_.chance(500) ? far : -far));
        next_turn_of_clock();
    });
}

void SimAgent::next_suspend() {
    if (world_.plan.suspend_every == 0) return;
    world_.schedule.after(dice_.between(1, 2 * world_.plan.suspend_every), [this] {
        if (!may_fail()) return;
        if (!answers()) return next_suspend();
        world_.tally.fault("agent: suspended");
        suspended_ = true;
        world_.schedule.after(dice_.even(1'000, 8 * core::hour_ms * world_.plan.slowness), [this] {
            suspended_ = false;
            next_suspend();
        });
    });
}

void SimAgent::next_copy() {
    if (world_.plan.disk_copied_every == 0) return;
    world_.schedule.after(dice_.between(1, 2 * world_.plan.disk_copied_every), [this] {
        if (!may_fail()) return;
        if (!answers() || !disk_.powered()) return next_copy();
        world_.schedule.after(
            dice_.even(1'000, core::day_ms),
            [this, image = disk_.image(), metered = metered_ever(), copied_at = world_.now()] {
                if (world_.faults) put_disk_back(image, metered, copied_at);
                next_copy();
            });
    });
}

// As from a backup: the machine is off meanwhile, and what ran in it since is gone.
void SimAgent::put_disk_back(const MemoryDisk::Image& image,
                             const std::map<std::string, std::int64_t>& metered, core::UtcTime copied_at) {
    if (suspended_ || disk_.full() || told_to_retire_) return;
    world_.tally.fault("agent: disk put back from a copy");
    ++restores_;
    put_back_ = true;
    copies_.push_back(metered);
    lost_.emplace_back(copied_at, world_.now());
    if (up()) fall(true);
    disk_.put_back(image);
}

bool SimAgent::lost(core::UtcTime committed) const {
    return std::ranges::any_of(
        lost_, [committed](const auto& span) { return span.first <= committed && committed <= span.second; });
}

void SimAgent::boot() {
    clock_.reboot(0);
    ++boots_;
    start();
}

void SimAgent::take_off() {
    taken_off_ = true;
    suspended_ = false;
    disk_.lose_power();
    ++run_;
    process_.reset();
}

// An idle agent commits seldom: what it was to fail at may be hours ahead.
void SimAgent::heal() {
    suspended_ = false;
    disk_.set_full(false);
    disk_.lose_no_power();
    if (up()) process_->transactions.lose_nothing();
    clock_.set_wall(world_.now());
}

}  // namespace meterbox::sim
