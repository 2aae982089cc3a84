// Check, then write.
#include "account/counters.hpp"

#include <algorithm>
#include <set>
#include <string>

#include "account/booking.hpp"

namespace meterbox::account {

using core::Error;
using core::ErrorCode;
using core::Result;
using core::Units;
using core::wire::ResourceCounters;
using core::wire::TrancheCounters;

namespace {

struct HourChange {
    core::UtcHour hour;
    Units total;   // the new one
    Units growth;  // > 0
};

struct TrancheChange {
    std::int64_t tranche = 0;
    std::string resource;
    Holding seen;
    Growth growth;
    std::vector<HourChange> hours;
};

struct ResourceChange {
    std::string resource;
    core::Amount metered;
    core::Amount remainder;
    Units overage_units;
    core::Amount rate_per_hour;
    core::Amount remainder_seen;  // what the team's sums hold of this agent
    Units overage_seen;
};

Error invalid(std::string detail, std::string pointer) {
    return {ErrorCode::invalid, std::move(detail), std::nullopt, std::move(pointer)};
}
Error conflict(std::string detail, const std::string& pointer) {
    return {ErrorCode::conflict, std::move(detail), std::nullopt, pointer};
}

// One message against what was seen before. Reads, and writes nothing.
class Check {
public:
    Check(Database& database, Pool& pool, const Catalogue& catalogue, const Agent& agent, bool later)
        : database_(database), pool_(pool), catalogue_(catalogue), agent_(agent), later_(later) {}

    Result<void> run(const CounterMessage& message) {
        std::set<std::string> named;
        for (std::size_t i = 0; i < message.resources.size(); ++i) {
            const std::string pointer = "/resources/" + std::to_string(i);
            const ResourceCounters& counters = message.resources[i];
            if (!named.insert(counters.resource).second) {
                return invalid("resource " + counters.resource + " twice", pointer);
            }
            if (const auto checked = resource(counters, pointer); !checked) return checked.error();
        }
        for (std::size_t i = 0; i < message.usage.size(); ++i) {
            const auto& row = message.usage[i];
            if (find(row.resource)) continue;
            return invalid("unknown resource " + row.resource, "/usage/" + std::to_string(i) + "/resource");
        }
        return {};
    }

    std::vector<TrancheChange> tranches;
    std::vector<ResourceChange> resources;

private:
    const core::Resource* find(const std::string& key) const {
        const auto& list = catalogue_.resources;
        const auto found = std::ranges::find(list, key, &core::Resource::key);
        return found == list.end() ? nullptr : &*found;
    }

    Result<void> resource(const ResourceCounters& said, const std::string& pointer) {
        const core::Resource* known = find(said.resource);
        if (!known) return invalid("unknown resource " + said.resource, pointer + "/resource");

        ResourceChange change{
            said.resource, said.metered, said.remainder, said.overage_units, said.rate_per_hour, {}, {}};
        const auto seen = database_.first(
            "SELECT metered, remainder, overage_units FROM agent_resource "
            "WHERE agent = ? AND incarnation = ? AND resource = ?",
            [&](auto& row) {
                change.remainder_seen = core::Amount{row.integer(1)};
                change.overage_seen = Units{row.integer(2)};
                return row.integer(0);
            },
            agent_.id, agent_.incarnation, said.resource);
        const std::string what = "metered usage of " + said.resource;
        const auto grown = join_total(seen.value_or(0), said.metered.value(), later_, what.c_str());
        if (!grown) return conflict(grown.error().detail, pointer + "/metered");
        if (said.remainder.value() != said.metered.value() % known->unit_size.value()) {
            return conflict("remainder " + std::to_string(said.remainder.value()) + " of " + said.resource +
                                " isn't what is left of " + std::to_string(said.metered.value()) +
                                " after whole units",
                            pointer + "/remainder");
        }
        // An older message has nothing new about what may also fall.
        if (*grown > 0 || later_ || !seen) resources.push_back(std::move(change));

        std::set<std::string> named;
        for (std::size_t i = 0; i < said.tranches.size(); ++i) {
            const std::string here = pointer + "/tranches/" + std::to_string(i);
            const TrancheCounters& counters = said.tranches[i];
            if (!named.insert(counters.tranche).second) {
                return invalid("tranche " + counters.tranche + " twice", here);
            }
            if (const auto checked = tranche(said.resource, counters, here); !checked) return checked.error();
        }
        return {};
    }

    Result<void> tranche(const std::string& resource, const TrancheCounters& said,
                         const std::string& pointer) {
        const auto id = tranche_from(said.tranche);
        const Tranche* tranche = id ? pool_.find(*id) : nullptr;
        if (!tranche || tranche->resource != resource) {
            return conflict("tranche " + said.tranche + " of " + resource + " isn't this team's", pointer);
        }
        TrancheChange change{*id, resource, {}, {}, {}};
        std::int64_t in_hours = 0;
        database_.first(
            "SELECT granted, used, returned, in_hours, since FROM holding "
            "WHERE agent = ? AND incarnation = ? AND tranche = ?",
            [&](auto& row) {
                change.seen = {
                    Units{row.integer(0)}, Units{row.integer(1)}, Units{row.integer(2)}, {row.integer(4)}};
                in_hours = row.integer(3);
                return 0;
            },
            agent_.id, agent_.incarnation, *id);

        const auto growth = join(change.seen, said.used, said.returned, later_);
        if (!growth) return conflict("tranche " + said.tranche + ": " + growth.error().detail, pointer);
        change.growth = *growth;
        if (const auto checked = hours(said, change, pointer); !checked) return checked.error();

        std::int64_t by_hour = 0;
        for (const HourChange& hour : change.hours) by_hour += hour.growth.value();
        if (in_hours + by_hour > (change.seen.used + growth->used).value()) {
            return conflict("tranche " + said.tranche + ": more units in its hours than used", pointer);
        }
        if (by_hour > 0 || growth->used.value() > 0 || growth->returned.value() > 0) {
            tranches.push_back(std::move(change));
        }
        return {};
    }

    Result<void> hours(const TrancheCounters& said, TrancheChange& change, const std::string& pointer) {
        std::set<std::int64_t> named;
        for (const auto& [hour, units] : said.hours) {
            if (!named.insert(hour.number).second) return invalid("the same hour twice", pointer + "/hours");
            if (units > change.seen.used + change.growth.used) {  // also keeps the sum below in range
                return conflict("tranche " + said.tranche + ": more units in an hour than used",
                                pointer + "/hours");
            }
            const Units seen{
                database_.number("SELECT units FROM unit_hour WHERE agent = ? AND incarnation = ? "
                                 "AND hour = ? AND tranche = ?",
                                 agent_.id, agent_.incarnation, hour, change.tranche)};
            if (units > seen) change.hours.push_back({hour, units, units - seen});
        }
        return {};
    }

    Database& database_;
    Pool& pool_;
    const Catalogue& catalogue_;
    const Agent& agent_;
    bool later_;
};

// Units completed, by the hour as far as it was said.
std::vector<Completed> completed_of(const TrancheChange& change) {
    std::vector<Completed> completed;
    Units left = change.growth.used;
    for (const HourChange& hour : change.hours) {
        const Units here = std::min(left, hour.growth);
        if (here.value() > 0) completed.push_back({hour.hour, here});
        left -= here;
    }
    if (left.value() > 0) completed.push_back({std::nullopt, left});
    return completed;
}

// Where a slot goes that is free again.
Place free_place(const Tranche& tranche, core::UtcTime now) {
    if (tranche.open()) return Place::purchase;
    return tranche.ended_at(now) ? Place::expired : Place::available;
}

class Write {
public:
    Write(Database& database, Ledger& ledger, Pool& pool, const Agent& agent)
        : database_(database),
          ledger_(ledger),
          pool_(pool),
          agent_(agent),
          holder_{agent.id, agent.incarnation} {}

    void tranche(const TrancheChange& change) {
        std::int64_t by_hour = 0;
        for (const HourChange& hour : change.hours) {
            by_hour += hour.growth.value();
            database_.run(
                "INSERT INTO unit_hour (agent, incarnation, hour, tranche, units) VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT DO UPDATE SET units = excluded.units",
                agent_.id, agent_.incarnation, hour.hour, change.tranche, hour.total);
        }
        charge(change);
        Tranche& slots = *pool_.find(change.tranche);
        ledger_.move(slots, Place::leased, free_place(slots, ledger_.now()), change.growth.returned, "return",
                     &holder_);
        database_.run(
            "UPDATE holding SET used = used + ?, returned = returned + ?, in_hours = in_hours + ? "
            "WHERE agent = ? AND incarnation = ? AND tranche = ?",
            change.growth.used, change.growth.returned, by_hour, agent_.id, agent_.incarnation,
            change.tranche);
    }

    void resource(const ResourceChange& change) {
        database_.run(
            "INSERT INTO agent_resource (agent, incarnation, resource, metered, remainder, overage_units, "
            "rate_per_hour) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
            "metered = excluded.metered, remainder = excluded.remainder, "
            "overage_units = excluded.overage_units, rate_per_hour = excluded.rate_per_hour",
            agent_.id, agent_.incarnation, change.resource, change.metered, change.remainder,
            change.overage_units, change.rate_per_hour);
        const core::Amount remainder = change.remainder - change.remainder_seen;
        const Units overage = change.overage_units - change.overage_seen;
        if (remainder.value() == 0 && overage.value() == 0) return;
        database_.run(
            "INSERT INTO team_resource (team, resource, remainder, overage_units) "
            "VALUES (?, ?, 0, 0) ON CONFLICT DO NOTHING",
            agent_.team, change.resource);
        database_.run(
            "UPDATE team_resource SET remainder = remainder + ?, overage_units = overage_units + ? "
            "WHERE team = ? AND resource = ?",
            remainder, overage, agent_.team, change.resource);
    }

    void usage(const core::wire::UsageRow& row) {
        database_.run(
            "INSERT INTO usage (agent, incarnation, hour, resource, subject, amount) VALUES (?, ?, ?, ?, ?, "
            "?) "
            "ON CONFLICT DO UPDATE SET amount = excluded.amount WHERE excluded.amount > amount",
            agent_.id, agent_.incarnation, row.hour, row.resource, row.subject, row.usage);
    }

private:
    void charge(const TrancheChange& change) {
        if (change.growth.used.value() == 0) return;
        const auto tranches = pool_.of(change.resource);
        const auto slots = static_cast<std::size_t>(
            std::ranges::find(tranches, change.tranche, &Tranche::id) - tranches.begin());
        const auto bookings = book(tranches, slots, change.seen.since, completed_of(change), ledger_.now());
        for (const Booking& booking : bookings) {
            if (booking.tranche == slots) {
                ledger_.move(tranches[slots], Place::leased, Place::charged, booking.units, "charge",
                             &holder_);
                continue;
            }
            ledger_.move(tranches[booking.tranche], Place::available, Place::charged, booking.units,
                         "draw order");
            ledger_.move(tranches[slots], Place::leased, free_place(tranches[slots], ledger_.now()),
                         booking.units, "draw order", &holder_);
        }
    }

    Database& database_;
    Ledger& ledger_;
    Pool& pool_;
    const Agent& agent_;
    Holder holder_;
};

}  // namespace

Result<void> take_counters(Database& database, Ledger& ledger, Pool& pool, const Catalogue& catalogue,
                           const Agent& agent, const CounterMessage& message) {
    Check check(database, pool, catalogue, agent, message.later);
    if (const auto checked = check.run(message); !checked) {
        if (checked.error().code == ErrorCode::conflict) {
            keep_evidence(database, agent, checked.error().detail, ledger.now());
        }
        return checked.error();
    }
    Write write(database, ledger, pool, agent);
    for (const TrancheChange& change : check.tranches) write.tranche(change);
    for (const ResourceChange& change : check.resources) write.resource(change);
    for (const core::wire::UsageRow& row : message.usage) write.usage(row);
    return {};
}

}  // namespace meterbox::account
