// What an agent knows of one resource: the usage metered so far (M), and the tranches of its lease
// with what was granted (G), used (U) and returned (R) of each. All figures that the domain names
// (remainder, overage, available, spendable) are derived from these, so that nothing can disagree.
//
// All counters are totals of one incarnation and never fall (I7). At every moment
//   M = unit x (U + overage_units) + remainder,  0 <= remainder < unit                     (I5)
// A unit that is completed takes a slot from the first tranche, in draw order, that is valid and has
// one (R3, I11, I12); where there is none it is overage, and takes the first slot that comes.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/lease.hpp"
#include "core/quantity.hpp"
#include "core/resource.hpp"
#include "core/time.hpp"

namespace meterbox::core {

// The time as far as it is known: things expire by the latest credible clock and start by the
// earliest trusted one (protocol, Clocks). With one trusted clock both are the same.
struct Now {
    UtcTime earliest;
    UtcTime latest;
    static Now at(UtcTime t) { return {t, t}; }
};

// One grant in one cycle, as far as this agent's leases reach into it.
struct Tranche {
    std::string id;
    Tier tier = Tier::free;
    Units granted;   // G
    Units used;      // U
    Units returned;  // R
    UtcTime valid_from;
    std::optional<UtcTime> ends_at;  // exclusive
    bool final = false;
    bool payg_capped = false;
    bool payg_open = false;

    Units left() const { return granted - used - returned; }  // >= 0
    bool valid(Now now) const { return now.earliest >= valid_from && (!ends_at || now.latest < *ends_at); }
    // At some moment that the clocks allow for. One that is out of the lease never is.
    bool may_be_valid(Now now) const {
        return now.latest >= valid_from && (!ends_at || (now.earliest < *ends_at && valid_from < *ends_at));
    }
    friend bool operator==(const Tranche&, const Tranche&) = default;
};

// Units that took slots of one tranche.
struct Completion {
    std::size_t tranche;  // its place in ResourceLedger::tranches()
    Units units;
    friend bool operator==(const Completion&, const Completion&) = default;
};

class ResourceLedger {
public:
    explicit ResourceLedger(Resource resource) : ResourceLedger(std::move(resource), Amount{}, {}) {}
    // As it was stored. Requires counters that satisfy the invariants; asserts them.
    ResourceLedger(Resource resource, Amount metered, std::vector<Tranche> tranches);

    const Resource& resource() const { return resource_; }
    const std::vector<Tranche>& tranches() const { return tranches_; }  // in draw order

    Amount metered() const { return metered_; }                   // M
    Units completed() const;                                      // M div unit
    Amount remainder() const;                                     // M mod unit
    Units used() const;                                           // sum of U
    Units overage_units() const { return completed() - used(); }  // completed without a slot
    Units leased(Now now) const;                                  // sum over valid of G - U - R
    bool may_be_leased(Now now) const;                            // something, if the clock were known better
    Amount overage(Now now) const;                                // usage that no leased unit covers
    Amount available(Now now) const;                              // R6, never below 0
    Units spendable(Now now) const;                               // leased less the unit in progress
    bool holds_open_payg(Now now) const;
    Amount exposure(Now now) const;               // what open payg covers of `available`
    Units begun(Amount running) const;            // slots of the remainder and of what runs beyond M
    Units returnable(Units keep, Now now) const;  // what give_back() would give
    Units held() const { return held_; }          // by sessions: H, of a returnable resource
    Units held_beyond(Now now) const;             // of that, what no valid tranche covers
    Units kept_beyond(Units keep) const;          // G - R of all tranches, beyond so many

    // Whether so much more can be reported. Well below the end of the counters' range, so that what
    // sessions run, which nobody can refuse, always fits.
    bool can_meter(Amount amount) const;
    // Adds usage; units that are completed and have no slot yet take one. Requires that can_meter(amount)
    // held for all that was reported.
    std::vector<Completion> meter(Amount amount, Now now);
    // The same where nothing may be spent: the units wait for settle_overage().
    void record(Amount amount);

    // Takes up a lease that was admitted: G rises to what it says and never falls, order, validity and
    // flags become the lease's. Tranches that the lease no longer names go last, keep their counters
    // and give nothing more: they are valid at no time, ends_at being valid_from. Then units in overage
    // take slots. Requires the resource's unit_size, and each
    // tranche named once.
    std::vector<Completion> take_lease(const LeaseResource& lease, Now now);
    // Units in overage take the slots that there are: after a lease, or when a tranche begins to be valid.
    std::vector<Completion> settle_overage(Now now);

    // Raises R of the limited tranches that are valid, the last drawn first, until no more than `keep`
    // units of them are left. How many were given back.
    Units give_back(Units keep, Now now);

    // A session took so many units out, or is gone. They are counted, not judged: soft ones may hold more
    // than there is, and a grant may end under them.
    void hold(Units units);
    void let_go(Units units);
    // Raises R of all tranches, valid or not, until so many units are left: of those that are valid first.
    Units give_back_beyond(Units keep, Now now);

    // The agent retires: nothing of what it was leased is its own any more.
    void hand_over();

    // The account changed what may be changed of a resource: its name and enforcement.
    void describe(const Resource& resource);

private:
    void check() const;

    Resource resource_;
    Amount metered_;
    std::vector<Tranche> tranches_;
    Units held_;
};

}  // namespace meterbox::core
