// The account's store, put back from a copy: as an operator restores a backup, or by hand.
#include "account/learning.hpp"
#include "tests/sim/sim_account.hpp"

namespace meterbox::sim {

void SimAccount::next_copy() {
    if (world_.plan.store_copied_every == 0) return;
    world_.schedule.after(dice_.between(1, 2 * world_.plan.store_copied_every), [this] {
        if (!world_.faults) return;
        if (!up() || !disk_.powered()) return next_copy();
        world_.trace.add("account", "is copied");
        world_.schedule.after(dice_.spread(10 * core::minute_ms, core::day_ms),
                              [this, image = disk_.image()] {
                                  if (world_.faults && up())
                                      put_back(image, world_.plan.store_put_back_by_hand);
                                  next_copy();
                              });
    });
}

// The epoch that was there is known: restoring looks at what it replaces.
void SimAccount::put_back(const MemoryDisk::Image& image, bool by_hand) {
    world_.tally.fault(by_hand ? "account: store put back by hand" : "account: backup restored");
    world_.trace.add("account", by_hand ? "is put back by hand" : "is restored");
    if (!by_hand) restored_epoch_ = store().database().number("SELECT epoch FROM account") + 1;
    ++put_backs_;
    put_back_at_ = world_.now();
    disk_.lose_process();
    fall();
    disk_.put_back(image);
}

// Before anybody is served.
void SimAccount::begin_to_serve() {
    account::Database& database = store().database();
    require(process_->transactions->begin().has_value(), "the account begins to serve");
    if (restored_epoch_ > 0) account::begin_epoch(database, restored_epoch_, now(), "the store was restored");
    account::end_sessions(database);
    require(!database.failed() && process_->transactions->commit().has_value(),
            "the account begins to serve");
    restored_epoch_ = 0;
}

}  // namespace meterbox::sim
