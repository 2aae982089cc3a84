// A team's custody: remainders that agents left behind when an incarnation ended, or handed over. They add
// up, and where they complete a unit it takes a slot that came along, or one of the pool. In the tables it
// is one more agent of the team, without a machine: what holds for agents' units holds for its units.
#pragma once

#include <string>

#include "account/agents.hpp"
#include "account/database.hpp"
#include "account/ledger.hpp"
#include "account/pool.hpp"

namespace meterbox::account {

class Custody {
public:
    // heard: the agent whose sync is being answered, if that is why.
    Custody(Database& database, Ledger& ledger, Pool& pool, std::string heard = {});

    // What this incarnation of an agent showed last of its remainders and overage is the team's from now on.
    // It says nothing more.
    void take_over(const Agent& from);
    // So many leased units of the agent come along, for what was taken over. The tranche is valid.
    void take_slots(const Agent& from, Tranche& tranche, core::Units units);
    // Units that are complete take slots, as far as there are any; slots that nothing waits for go back. With
    // each sync, grant, and look at the cards: of a team whose agents have all gone nobody syncs.
    void settle();

private:
    struct Kept {
        std::string resource;
        core::Amount unit_size{1};
        core::Amount metered;
        core::Amount remainder;
        core::Units overage;
    };
    void ensure();
    void settle(Kept kept);
    void take_of_pool(Kept& kept);
    core::Units left(const Tranche& tranche);
    void lease(Tranche& tranche, core::Units units, std::string_view reason);
    void charge(Tranche& slots, core::Units units);
    core::Units charge_earlier(const Tranche& slots, core::Units units);
    void give_back(Tranche& tranche, core::Units units);
    void store(const Kept& kept, const Kept& before);

    Database& database_;
    Ledger& ledger_;
    Pool& pool_;
    std::string heard_;
    Agent agent_;
    Holder holder_;
};

}  // namespace meterbox::account
