// The account's store, put back from a copy: as an operator restores a backup, or by hand.
#include "account/known.hpp"
#include "account/learning.hpp"
#include "account/tranche.hpp"
#include "tests/sim/sim_account.hpp"

namespace meterbox::sim {

void SimAccount::next_copy() {
    if (world_.plan.store_copied_every == 0) return;
    world_.schedule.after(dice_.between(1, 2 * world_.plan.store_copied_every), [this] {
        if (!world_.faults) return;
        if (!up() || !disk_.powered()) return next_copy();
        world_.trace.add("account", "is copied");
        world_.schedule.after(dice_.even(core::minute_ms, core::day_ms), [this, image = disk_.image()] {
            // Who puts back by hand has read of `restore` now and then.
            const bool by_hand = world_.plan.store_put_back_by_hand && !dice_.chance(300);
            if (world_.faults && up()) put_back(image, by_hand);
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

// An agent that named what an account that was put back has forgotten goes on as another incarnation; but
// what it has used counts, and is charged as far as it is known to have been granted.
void SimAccount::check_left_behind(const account::Agent& before, const core::wire::SyncRequest& said) {
    if (!before.learning ||
        account::find_agent(store().database(), before.id)->incarnation == before.incarnation)
        return;
    if (said.lease_number.value_or(0) > before.lease_number)
        world_.tally.saw("agent went on whose lease was signed by a forgotten key");
    account::Database& database = store().database();
    for (const core::wire::ResourceCounters& counters : said.resources) {
        const std::string what = before.id + " " + counters.resource;
        require(account::known_usage(database, before, counters.resource).metered == counters.metered,
                "I17: what an agent says that isn't whole counts: " + what);
        for (const core::wire::TrancheCounters& tranche : counters.tranches) {
            const std::int64_t id = account::tranche_from(tranche.tranche).value_or(0);
            if (tranche.used > core::Units{} &&
                database.number("SELECT count(*) FROM tranche WHERE id = ?", id) == 0)
                world_.tally.saw("units of a grant that the account had forgotten");
            const account::Holding holding =
                account::known_holding(database, before.id, before.incarnation, id).holding;
            require(holding.used == tranche.used || holding.used + holding.returned == holding.granted,
                    "R5: what an agent proves to have used is charged, and not in doubt: " + what + " " +
                        tranche.tranche);
        }
    }
}

}  // namespace meterbox::sim
