// From the pool to an agent's lease.
#include "account/leasing.hpp"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "account/booking.hpp"
#include "account/known.hpp"
#include "account/recalling.hpp"
#include "account/set_aside.hpp"
#include "account/sizing.hpp"
#include "core/limits.hpp"

namespace meterbox::account {

using core::Units;

bool is_leased(const core::Resource& resource) {
    return resource.enforcement != core::Enforcement::none;
}

bool has_reserve(const core::Resource& resource) {
    return is_leased(resource) && resource.kind == core::Kind::exhaustible;
}

namespace {

// One resource of one agent: what there is, what it holds, what it gets.
class Granting {
public:
    // aside: of what there is, for those who wait.
    Granting(Ledger& ledger, Known& known, const Settings& settings, Tickets& tickets,
             std::span<Tranche> tranches, SetAside aside)
        : ledger_(ledger),
          known_(known),
          settings_(settings),
          tickets_(tickets),
          tranches_(tranches),
          aside_(aside) {
        for (const Tranche& tranche : tranches_) {
            Units left;
            if (tranche.valid_at(ledger.now())) left = known.left(tranche.id);
            left_.push_back(left);
            room_ -= std::min(room_, known.holding(tranche.id).holding.granted);
            if (!tranche.valid_at(ledger.now())) continue;
            open_ = open_ || tranche.open();
            if (tranche.open()) continue;
            held_ += left;
            available_ += std::max(Units{}, tranche.available);
        }
    }

    void run(const core::Resource& resource, const core::wire::ResourceCounters* asked, std::int64_t agents) {
        const bool asks = asked && (asked->need.value() > 0 || asked->wanted.value() > 0);
        const KnownUsage& activity = known_.usage(resource.key);
        const std::optional<Ticket> own = tickets_.line(resource.key).own;

        Demand demand;
        const core::Amount begun = activity.remainder + (asked ? asked->running : core::Amount{});
        demand.spendable = std::max(Units{0}, held_ - units_begun(begun, resource.unit_size));
        if (asked) {
            demand.need = asked->need;
            demand.wants_reserve = asked->wanted.value() > 0;
            demand.idle = ledger_.now() - activity.active_at >= settings_.idle_ms;
            // Who waited was refused meanwhile and will come again: the ticket stands for its need until
            // the agent has something, asks for nothing, or has done nothing for long.
            const bool waits_on = own && asked->need.value() == 0 && demand.wants_reserve &&
                                  demand.spendable.value() == 0 && !demand.idle;
            if (waits_on) demand.need = own->need;
            demand.expected =
                expected_units(asked->rate_per_hour, settings_.lease_horizon_ms, resource.unit_size);
        } else {
            // While A >= 2N every agent holds at least one unit, so that it can act offline.
            demand.wants_reserve = held_.value() == 0 && available_.value() / 2 / agents >= 1;
        }
        const Units units = std::min(room_, units_to_lease(demand, available_, aside_, agents));
        lease_limited(units);
        // What limited units don't cover of its overage has been used: it leaves the exposure as it is.
        lease_open(asks, asked ? std::max(Units{}, asked->overage_units - held_ - units) : Units{});
        if (asked) tickets_.served(resource.key, open_ ? Units{0} : demand.need - demand.spendable - units);
    }

    void run_returnable(const core::wire::ResourceCounters& asked) {
        const Units free = std::max(Units{0}, held_ - asked.held);
        lease_limited(capacity_to_lease(asked.need, asked.overage_units, free, std::min(room_, available_)));
    }

private:
    void lease_limited(Units units) {
        std::vector<Tranche> valid;
        std::vector<Tranche*> places;
        for (Tranche& tranche : tranches_) {
            if (!tranche.valid_at(ledger_.now())) continue;
            valid.push_back(tranche);
            places.push_back(&tranche);
        }
        const auto taken = fill(valid, units);
        for (std::size_t i = 0; i < taken.size(); ++i) give(*places[i], Place::available, taken[i]);
    }

    void lease_open(bool asks, Units completed) {
        for (std::size_t i = 0; i < tranches_.size(); ++i) {
            Tranche& tranche = tranches_[i];
            if (!tranche.open() || !tranche.valid_at(ledger_.now())) continue;
            const Units units = open_units_to_lease(left_[i], settings_.payg_exposure, completed, asks);
            give(tranche, Place::purchase, std::min(units, room_of_open(tranche)));
            return;  // one exposure, however many open tranches there are
        }
    }

    void give(Tranche& tranche, Place from, Units units) {
        units = std::min(units, room_);
        if (units.value() == 0) return;
        room_ -= units;
        const Holder holder{known_.agent().id, known_.agent().incarnation};
        ledger_.move(tranche, from, Place::leased, units, "lease", &holder);
        known_.lease(tranche.id, units, ledger_.now());
    }

    Ledger& ledger_;
    Known& known_;
    const Settings& settings_;
    Tickets& tickets_;
    std::span<Tranche> tranches_;
    SetAside aside_;
    std::vector<Units> left_;  // G - U - R of each tranche that is valid
    bool open_ = false;        // one of them is open payg: nobody waits
    Units held_;               // of the limited ones
    Units available_;          // A: of the limited ones, unleased
    // How much G may rise yet, all together: what comes back and is leased again counts each time, and a
    // lease must be one that its agent can read.
    Units room_{core::limits::counter_max};
};

// First what the agent has waited for longest: what comes later in the line leaves to tickets between what
// they need.
std::vector<const core::Resource*> in_line(const std::vector<core::Resource>& resources,
                                           const Tickets& tickets) {
    std::vector<const core::Resource*> order;
    for (const core::Resource& resource : resources) order.push_back(&resource);
    if (tickets.all().empty()) return order;
    std::ranges::stable_sort(order, {}, [&](const core::Resource* resource) {
        const std::optional<Ticket> own = tickets.line(resource->key).own;
        return own ? own->number : std::numeric_limits<std::int64_t>::max();
    });
    return order;
}

}  // namespace

void grant(Ledger& ledger, Pool& pool, const Catalogue& catalogue, Known& known, const Settings& settings,
           Tickets& tickets, const std::vector<core::wire::ResourceCounters>& asked, std::int64_t agents) {
    if (pool.learning()) return;
    for (const core::Resource* next : in_line(catalogue.resources, tickets)) {
        const core::Resource& resource = *next;
        const auto tranches = pool.of(resource.key);
        const auto has_ended = [&](const Tranche& tranche) { return tranche.ended_at(ledger.now()); };
        if (!is_leased(resource) || std::ranges::all_of(tranches, has_ended)) {
            tickets.served(resource.key, Units{0});  // there is nothing that it could wait for
            continue;
        }
        const auto mentioned =
            std::ranges::find(asked, resource.key, &core::wire::ResourceCounters::resource);
        const auto* said = mentioned == asked.end() ? nullptr : &*mentioned;
        const SetAside aside = set_aside(pool, tickets.all(), known.agent().id, resource.key, ledger.now());
        Granting granting(ledger, known, settings, tickets, tranches, aside);
        if (has_reserve(resource)) {
            granting.run(resource, said, agents);
        } else if (said) {
            granting.run_returnable(*said);
        }
    }
}

namespace {

// Of a resource: grants without an end stay for good, and a lease has a length. The agent knows the others
// from leases before. The newest, for an account that was put back learns of them by the lease.
constexpr std::size_t used_up_named_max = 32;

// Nothing of it is left, to this agent or to be had: as much was leased to it, and used or given back.
bool is_used_up(const Tranche& tranche, Known& known) {
    return !tranche.open() && known.holding(tranche.id).holding.granted > Units{} &&
           known.left(tranche.id) == Units{} && tranche.available <= Units{};
}

// Those of which the lease says no more: numbers rise.
std::int64_t oldest_used_up_named(std::span<const Tranche> tranches, Known& known, core::UtcTime now) {
    std::vector<std::int64_t> used_up;
    for (const Tranche& tranche : tranches)
        if (!tranche.ended_at(now) && is_used_up(tranche, known)) used_up.push_back(tranche.id);
    if (used_up.size() <= used_up_named_max) return 0;
    std::ranges::sort(used_up);
    return used_up[used_up.size() - used_up_named_max];
}

// What may be left out of a lease.
struct UsedUp {
    std::int64_t tranche = 0;
    bool newest = false;  // of its resource: where there is no more, it says so
};

// Signed it is a third longer, and something is to spare.
constexpr std::size_t claims_bytes_max = core::limits::lease_bytes_max * 2 / 3;

bool is_surely_short(const core::Lease& lease) {
    constexpr std::size_t part_bytes_max = 256;  // of a resource, or a tranche
    std::size_t parts = 1 + lease.resources.size();
    for (const core::LeaseResource& resource : lease.resources) parts += resource.tranches.size();
    return parts <= claims_bytes_max / part_bytes_max;
}

// As many of what is used up as make the lease too long, the oldest first, and the newest of each resource
// last. What has units left is never among them.
void shorten(core::Lease& lease, std::vector<UsedUp> used_up) {
    constexpr std::size_t tranche_bytes_min = 100;
    if (is_surely_short(lease)) return;
    std::ranges::sort(used_up, {}, [](const UsedUp& each) { return std::pair(each.newest, each.tranche); });
    auto next = used_up.begin();
    for (;;) {
        const std::size_t bytes = core::lease_to_json(lease).size();
        if (bytes <= claims_bytes_max || next == used_up.end()) return;
        std::set<std::string> left_out;
        for (std::size_t most = (bytes - claims_bytes_max) / tranche_bytes_min + 1;
             left_out.size() < most && next != used_up.end(); ++next)
            left_out.insert(tranche_name(next->tranche));
        for (core::LeaseResource& resource : lease.resources)
            std::erase_if(resource.tranches, [&](const core::LeaseTranche& tranche) {
                return left_out.contains(tranche.tranche);
            });
    }
}

// What an agent keeps of tranches that have ended it may never have heard of, for that answer was lost. Only
// its own word brings it back, so they are named until it has given it back: valid at no time.
void name_kept_of_ended(Database& database, const Agent& agent, core::LeaseResource& part) {
    const auto named = part.tranches;
    database.each(
        "SELECT t.id, t.tier, h.granted, t.starts_at FROM holding AS h JOIN tranche AS t ON t.id = h.tranche "
        "WHERE h.agent = ? AND h.incarnation = ? AND t.resource = ? AND h.used + h.returned < h.granted "
        "ORDER BY t.id",
        [&](auto& row) {
            const std::string name = tranche_name(row.integer(0));
            if (std::ranges::find(named, name, &core::LeaseTranche::tranche) != named.end()) return;
            const core::UtcTime starts_at{row.integer(3)};
            part.tranches.push_back({name, core::tier_from(row.text(1)).value_or(core::Tier::free),
                                     Units{row.integer(2)}, starts_at, starts_at, false, false, false});
        },
        agent.id, agent.incarnation, part.key);
}

}  // namespace

core::Lease describe_lease(Database& database, Pool& pool, const Catalogue& catalogue, Known& known,
                           const Settings& settings, core::UtcTime now) {
    const Agent& agent = known.agent();
    core::Lease lease;
    lease.team = agent.team;
    lease.agent = agent.id;
    lease.key_fingerprint = agent.key_fingerprint;
    lease.incarnation = agent.incarnation;
    lease.policy = {settings.offline_horizon_ms, settings.low_percent};
    database.first("SELECT id, epoch FROM account", [&](auto& row) {
        lease.account = row.string(0);
        lease.epoch = row.integer(1);
        return 0;
    });
    lease.session_nonce = agent.session_nonce;
    if (lease.session_nonce.empty()) {
        database.first(
            "SELECT nonce FROM session WHERE id = ?",
            [&](auto& row) { return lease.session_nonce = row.string(0); }, agent.session);
    }

    std::vector<UsedUp> used_up;
    for (const core::Resource& resource : catalogue.resources) {
        if (!is_leased(resource)) continue;
        core::LeaseResource part{resource.key, resource.unit_size, resource.enforcement, {}};
        Units available;
        bool open = false;
        for (const Tranche& tranche : pool.of(resource.key)) {
            if (!tranche.valid_at(now)) continue;
            available += std::max(Units{}, tranche.available);
            open = open || tranche.open();
        }
        const bool final = available.value() == 0 && !open;
        const std::int64_t oldest_named = oldest_used_up_named(pool.of(resource.key), known, now);
        bool says_final = false;
        const std::size_t used_up_before = used_up.size();
        for (const Tranche& tranche : pool.of(resource.key)) {
            if (tranche.ended_at(now)) continue;
            const bool valid = tranche.valid_at(now);  // else of the next cycle
            const Units granted = known.holding(tranche.id).holding.granted;
            if (is_used_up(tranche, known)) {
                if (tranche.id < oldest_named) continue;
                used_up.push_back({tranche.id});
            }
            // A final one also says so where it gives nothing, once.
            if (granted.value() == 0 && (!final || !valid || says_final)) continue;
            says_final = says_final || (final && valid);
            const bool payg = tranche.tier == core::Tier::payg;
            part.tranches.push_back({tranche_name(tranche.id), tranche.tier, granted, tranche.starts_at,
                                     tranche.ends_at, final && valid, payg && !tranche.open(),
                                     tranche.open()});
        }
        const auto newest =
            std::ranges::max_element(used_up.begin() + used_up_before, used_up.end(), {}, &UsedUp::tranche);
        if (newest != used_up.end()) newest->newest = true;
        if (resource.kind == core::Kind::returnable) name_kept_of_ended(database, agent, part);
        lease.resources.push_back(std::move(part));
    }
    shorten(lease, std::move(used_up));
    return lease;
}

core::Result<IssuedLease> issue_lease(Database& database, const LeaseSigner& signer, const Agent& agent,
                                      core::Lease contents, const Settings& settings, core::UtcTime now) {
    const std::string says = core::lease_to_json(contents);
    const auto in_force = database.first(
        "SELECT contents, issued_at, spend_until, jws FROM lease WHERE agent = ? AND session = ?",
        [&](auto& row) {
            const std::int64_t issued_at = row.integer(1);
            const bool young = now.ms - issued_at <= (row.integer(2) - issued_at) / 3;
            return young && row.text(0) == says ? row.string(3) : std::string();
        },
        agent.id, agent.session);
    if (in_force && !in_force->empty()) return IssuedLease{*in_force, false};

    contents.number = agent.lease_number + 1;
    contents.issued_at = now;
    contents.spend_until = now + settings.offline_horizon_ms;
    auto signed_lease = signer.sign(core::lease_to_json(contents));
    if (!signed_lease) return signed_lease.error();
    database.run("UPDATE agent SET lease_number = ? WHERE id = ?", contents.number, agent.id);
    database.run(
        "INSERT INTO lease (agent, session, number, issued_at, spend_until, contents, jws) "
        "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (agent) DO UPDATE SET session = excluded.session, "
        "number = excluded.number, issued_at = excluded.issued_at, spend_until = excluded.spend_until, "
        "contents = excluded.contents, jws = excluded.jws",
        agent.id, agent.session, contents.number, now, contents.spend_until, says, *signed_lease);
    return IssuedLease{std::move(*signed_lease), true};
}

}  // namespace meterbox::account
