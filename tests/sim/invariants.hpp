// What must hold after every step, looked at from outside: the account's tables, the agents' committed
// ledgers, and what products were told. The numbers are those of docs/TESTING.md, Simulation.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/sim/account_view.hpp"
#include "tests/sim/mode_times.hpp"
#include "tests/sim/products.hpp"
#include "tests/sim/reference_bill.hpp"
#include "tests/sim/sim_account.hpp"
#include "tests/sim/sim_agent.hpp"
#include "tests/sim/world.hpp"

namespace meterbox::sim {

class Invariants {
public:
    Invariants(World& world, SimAccount& account, std::vector<std::unique_ptr<SimAgent>>& agents,
               std::vector<std::unique_ptr<Products>>& products);

    void prepare() { seen_.resize(agents_.size()); }  // once everybody is there
    void add_machine();
    void check_leaving(std::size_t index);  // a machine that is taken off
    void check_step();
    // Faults have stopped long enough: seen is real everywhere, and the bill agrees.
    void check_end();

private:
    struct SeenTranche {
        std::int64_t granted = 0;
        std::int64_t used = 0;
        std::int64_t returned = 0;
        std::int64_t first_seen_at = 0;
    };
    struct SeenAgent {  // as of its last committed state
        std::map<std::string, std::int64_t> metered;
        std::map<std::int64_t, SeenTranche> tranches;  // by id
        std::map<std::string, std::int64_t> overage;
        std::map<std::string, bool> final_lease;
        std::int64_t lease_number = 0;
        std::int64_t lease_epoch = 0;
        std::int64_t incarnation = 1;
        std::int64_t verified_incarnation = 1;
        int restores = 0;  // of its disk
        // Where disks are copied:
        std::map<std::string, std::int64_t> metered_ever;
        std::map<std::int64_t, std::int64_t> largest_lease;  // by tranche
        std::uint64_t commits = 0;
        std::uint64_t committed = 0;
        std::uint64_t commits_checked = 0;
        std::uint64_t run = 0;
        std::int64_t looked_at = 0;
        bool to_compare = false;                        // with the account: either has changed
        std::map<std::string, std::int64_t> sealed;     // M then
        core::UtcTime mark;                             // the trusted clock's, as stored
        std::map<std::string, ModeTimes> modes;         // by resource
        std::map<std::string, core::Enforcement> mode;  // as last seen
        // Of each session, when it was last looked at in its boot: may count, may not; and metered then.
        std::map<std::string, std::pair<std::int64_t, std::int64_t>> counted;
        std::map<std::string, std::int64_t> counted_of;
        std::map<std::string, std::pair<std::uint64_t, core::MonotonicTime>> at_zero_since;
        std::map<std::string, std::pair<core::UtcTime, std::int64_t>>
            begun;              // of a lease that is stale: since when, and units; by resource
        agent::ChainHead link;  // the newest of its chain when that was last looked at
    };

    void check_account();
    void check_places(const AccountView& view);
    void check_numbers(const AccountView& view);
    void check_given_up(const AccountView& view);
    void check_rises(const AccountView& view, const std::map<std::int64_t, std::int64_t>& fallen_before);
    void check_learning(const AccountView& view);
    void check_pools(const AccountView& view);
    void count_moves(const AccountView& view, const std::string& reason, const std::string& from,
                     const TrancheRow& tranche);
    void note_put_back(const AccountView& view);
    void note_forgotten(const AccountView& view);
    bool learned(const std::string& agent) const;
    bool ended_before_put_back(std::int64_t tranche) const;
    bool may_owe(const AccountView& view, const TrancheRow& tranche) const;  // A may be below 0 so far
    void check_booking(const AccountView& view);
    void note_fallen(std::int64_t tranche, const std::string& reason, std::int64_t units);
    std::int64_t fallen_since(const std::map<std::int64_t, std::int64_t>& before, std::int64_t tranche) const;
    void check_line(const AccountView& view);
    void check_agent(std::size_t index);
    void begin_incarnation(SeenAgent& seen, const SimAgent& agent);
    void check_held(std::size_t index, const core::ResourceLedger& ledger);
    void check_left(std::size_t index, const core::ResourceLedger& ledger);
    void check_reserved(std::size_t index, const core::ResourceLedger& ledger, bool gave_back);
    void check_against_account(std::size_t index);
    void check_slots();
    std::int64_t left_to(const std::string& agent, std::int64_t tranche) const;
    bool has_copies(const std::string& id) const;
    void note_most(std::size_t index);
    void check_copies(bool account_changed);
    void check_no_more_is_known();
    bool all_read(const std::string& id) const;
    bool given_up_unheard(const std::string& agent) const;
    std::int64_t granted_to(const std::string& agent, std::int64_t tranche) const;
    void check_spent_twice();
    void check_counted_of_copies(std::size_t index);
    void check_chain(std::size_t index);
    void check_chain_of_incarnation(std::size_t index);
    void check_prefix(std::size_t index);
    void check_heard_of(std::size_t index);
    void check_acknowledged(std::size_t index);
    void check_events(std::size_t index, const std::string& resource,
                      const std::map<std::string, std::int64_t>& stored);
    void check_reported(std::size_t index, const core::ResourceLedger& ledger, std::int64_t acknowledged);
    void check_dropped(std::size_t index);
    void check_stops(std::size_t index);
    void note_modes(std::size_t index);
    void check_clock(std::size_t index);
    void check_counted(std::size_t index, const core::ResourceLedger& ledger);
    std::pair<std::int64_t, std::int64_t> counted_of(std::size_t index, const std::string& id,
                                                     const KnownSession& session, std::int64_t metered);
    void check_sealed(std::size_t index);
    void check_settled(std::size_t index);
    void check_retired(std::size_t index);
    void check_incarnations(std::size_t index);
    void check_forgotten(std::size_t index, std::map<std::string, std::int64_t>& counted);
    void check_usage();
    void check_usage_of_copies(std::size_t index, const UsageByHour& usage);
    void check_capacity_is_back();
    void check_bill();
    void add_known(std::size_t index, std::vector<Fact>& facts);
    void add_restored(std::size_t index, std::vector<Fact>& facts);

    World& world_;
    SimAccount& account_;
    std::vector<std::unique_ptr<SimAgent>>& agents_;
    std::vector<std::unique_ptr<Products>>& products_;
    std::vector<SeenAgent> seen_;
    std::uint64_t account_commits_ = 0;
    std::set<std::int64_t> ended_while_leased_;
    std::map<std::int64_t, std::int64_t> fallen_;      // charges that are no more, by tranche
    std::map<std::int64_t, std::int64_t> given_back_;  // of these, by an operator
    std::map<std::int64_t, std::int64_t> freed_;       // slots whose units were booked to an earlier tier
    std::map<std::int64_t, std::int64_t> forgotten_frees_;  // of freed_, since the store was put back
    int put_backs_ = 0;                                     // of its store
    std::int64_t entries_before_ = 0;                       // of the ledger, when it was put back last
    std::int64_t epoch_ = 0;                                // of the account
    std::map<HoldingKey, std::int64_t>
        leased_again_;                // with the last commit: its agent was given up, and is heard
    std::set<std::string> released_;  // agents whose units were sold again
    std::map<std::pair<std::string, std::int64_t>, std::int64_t>
        had_already_;  // units that no agent was given with the last commit: slots that came into a custody,
                       // and what a lease says that the account had forgotten; by agent and tranche
    std::unique_ptr<const AccountView> view_;  // as of the account's last commit
    // Where disks are copied: the most that any machine had done in an incarnation.
    std::map<HoldingKey, std::int64_t> most_used_;
    std::map<std::tuple<std::string, std::string, std::int64_t>, std::int64_t>
        most_metered_;  // by agent, resource and incarnation
    std::map<std::tuple<std::string, std::string, std::int64_t>, std::int64_t>
        counted_;              // as the account has it
    std::uint64_t looks_ = 0;  // at the account
    bool moved_ = false;       // units, since all slots were added up
};

}  // namespace meterbox::sim
