#include "tests/sim/copies.hpp"

namespace meterbox::sim {

void Copies::begin() {
    for (const DiskCopy& copy : world_.plan.disk_copies)
        world_.schedule.after(copy.after_ms, [this, &copy] { make(copy); });
}

void Copies::make(const DiskCopy& plan) {
    const SimAgent& original = *agents_[plan.agent];
    if (!original.up() || !original.powered()) return;
    world_.tally.fault("agent: disk copied into another machine");
    world_.tally.saw("disk copied into another machine");
    world_.trace.add(original.name().id, "is copied");
    const std::size_t index = agents_.size();
    network_.add_agent();
    agents_.push_back(std::make_unique<SimAgent>(world_, network_, index, original));
    products_.push_back(std::make_unique<Products>(world_, *agents_[index], index));
    SimAgent& copy = *agents_[index];
    world_.schedule.add(copy);
    ++world_.copies_at_work[copy.name().id];
    invariants_.add_machine();
    // A machine that boots has been up for a second when its agent starts.
    world_.schedule.after(1'000, [this, index] {
        agents_[index]->boot();
        agents_[index]->begin_faults();
        products_[index]->start();
    });
    world_.schedule.after(plan.lasts_ms, [this, index] { take_off(index); });
}

// As whoever finds it does, or has done with it.
void Copies::take_off(std::size_t index) {
    SimAgent& copy = *agents_[index];
    invariants_.check_leaving(index);
    world_.trace.add(copy.name().id, "has its copy taken off");
    --world_.copies_at_work[copy.name().id];
    products_[index]->stop();
    copy.take_off();
}

}  // namespace meterbox::sim
