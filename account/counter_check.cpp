// One message against what was seen before it.
#include "account/counter_check.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <unordered_set>

#include "account/usage_check.hpp"

namespace meterbox::account {

using core::Error;
using core::ErrorCode;
using core::Result;
using core::Units;
using core::wire::ResourceCounters;
using core::wire::TrancheCounters;

namespace {

Error invalid(std::string detail, std::string pointer) {
    return {ErrorCode::invalid, std::move(detail), std::nullopt, std::move(pointer)};
}
Error conflict(std::string detail, const std::string& pointer) {
    return {ErrorCode::conflict, std::move(detail), std::nullopt, pointer};
}

// One message against what was seen before. Reads, and writes nothing.
class Check {
public:
    Check(Database& database, Pool& pool, const Catalogue& catalogue, Known& known, bool later)
        : database_(database),
          pool_(pool),
          catalogue_(catalogue),
          known_(known),
          agent_(known.agent()),
          later_(later) {}

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
        auto usage = check_usage(database_, catalogue_, known_, message);
        if (!usage) return usage.error();
        changes.usage = std::move(*usage);
        return {};
    }

    CounterChanges changes;

private:
    const core::Resource* find(const std::string& key) const {
        const auto& list = catalogue_.resources;
        const auto found = std::ranges::find(list, key, &core::Resource::key);
        return found == list.end() ? nullptr : &*found;
    }

    // An account that was put back may have forgotten the resource. Agents name all that they ever heard of.
    static Result<void> of_unknown(const ResourceCounters& said, const std::string& pointer) {
        if (said.metered == core::Amount{} && said.overage_units == Units{} && said.held == Units{} &&
            said.tranches.empty())
            return {};
        return unknown_resource(said.resource, pointer + "/resource");
    }

    Result<void> resource(const ResourceCounters& said, const std::string& pointer) {
        const core::Resource* known = find(said.resource);
        if (!known) return of_unknown(said, pointer);

        ResourceChange change;
        change.resource = said.resource;
        change.metered = said.metered;
        change.remainder = said.remainder;
        change.overage_units = said.overage_units;
        change.rate_per_hour = said.rate_per_hour;
        change.held = said.held;
        change.seen = known_.usage(said.resource);
        const std::string what = "metered usage of " + said.resource;
        const auto grown =
            join_total(change.seen.metered.value(), said.metered.value(), later_, what.c_str());
        if (!grown) return conflict(grown.error().detail, pointer + "/M");
        if (said.remainder.value() != said.metered.value() % known->unit_size.value()) {
            return conflict("remainder " + std::to_string(said.remainder.value()) + " of " + said.resource +
                                " isn't what is left of " + std::to_string(said.metered.value()) +
                                " after whole units",
                            pointer + "/q");
        }
        if (said.held.value() > 0 && known->kind == core::Kind::exhaustible) {
            return conflict(std::to_string(said.held.value()) + " units of " + said.resource +
                                " held, but what is used of it is never given back",
                            pointer + "/H");
        }
        change.active = *grown > 0 || said.running.value() > 0 || said.need.value() > 0;
        // An older message has nothing new about what may also fall.
        if (*grown > 0 || later_ || !change.seen.any) changes.resources.push_back(std::move(change));

        std::set<std::string> named;
        live_.clear();
        for (const Tranche& tranche : pool_.of(said.resource)) live_.insert(tranche.id);
        for (std::size_t i = 0; i < said.tranches.size(); ++i) {
            const std::string here = pointer + "/tranches/" + std::to_string(i);
            const TrancheCounters& counters = said.tranches[i];
            if (!named.insert(counters.tranche).second) {
                return invalid("tranche " + counters.tranche + " twice", here);
            }
            if (const auto checked = tranche(said.resource, counters, here); !checked) return checked.error();
        }
        return known->kind == core::Kind::returnable ? Result<void>{} : units(said, *known, pointer);
    }

    // I5: M = unit x (U + overage) + q. Each message has all of an agent's tranches.
    static Result<void> units(const ResourceCounters& said, const core::Resource& known,
                              const std::string& pointer) {
        const std::int64_t completed = said.metered.value() / known.unit_size.value();
        std::int64_t sum = said.overage_units.value();
        for (const TrancheCounters& counters : said.tranches) {
            if (sum > completed) break;  // keeps it in range, too
            sum += counters.used.value();
        }
        if (sum == completed) return {};
        return conflict(std::to_string(completed) + " units of " + said.resource + " metered, but not " +
                            "as many used and in overage",
                        pointer + "/overage");
    }

    bool is_of(const std::string& resource, std::int64_t id) {
        if (live_.contains(id)) return true;
        const Tranche* const tranche = pool_.find(id);
        return tranche && tranche->resource == resource;
    }

    Result<void> tranche(const std::string& resource, const TrancheCounters& said,
                         const std::string& pointer) {
        const auto id = tranche_from(said.tranche);
        if (!id || !is_of(resource, *id)) {
            return conflict("tranche " + said.tranche + " of " + resource + " isn't this team's", pointer);
        }
        const KnownHolding& known = known_.holding(*id);
        TrancheChange change{*id, resource, known.holding, {}, {}};
        const auto growth = join(change.seen, said.used, said.returned, later_);
        if (!growth) return conflict("tranche " + said.tranche + ": " + growth.error().detail, pointer);
        change.growth = *growth;
        if (const auto checked = hours(said, change, pointer); !checked) return checked.error();

        std::int64_t by_hour = 0;
        for (const HourChange& hour : change.hours) by_hour += hour.growth.value();
        if (known.in_hours + by_hour > (change.seen.used + growth->used).value()) {
            return conflict("tranche " + said.tranche + ": more units in its hours than used", pointer);
        }
        if (by_hour > 0 || growth->used.value() > 0 || growth->returned.value() > 0) {
            changes.tranches.push_back(std::move(change));
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
        }
        std::map<std::int64_t, Units> seen;
        database_.each_of(
            "SELECT units FROM unit_hour WHERE agent = ? AND incarnation = ? AND hour = ? AND tranche = ?",
            said.hours,
            [&](const core::wire::HourUnits& hour) {
                return std::tie(agent_.id, agent_.incarnation, hour.hour, change.tranche);
            },
            [&](const core::wire::HourUnits& hour, auto& row) {
                seen[hour.hour.number] = Units{row.integer(0)};
            });
        for (const auto& [hour, units] : said.hours)
            if (const Units before = seen[hour.number]; units > before)
                change.hours.push_back({hour, units, units - before});
        return {};
    }

    Database& database_;
    Pool& pool_;
    const Catalogue& catalogue_;
    Known& known_;
    const Agent& agent_;
    bool later_;
    std::unordered_set<std::int64_t> live_;  // of the resource that is read: a message may name thousands
};

}  // namespace

Result<CounterChanges> check_counters(Database& database, Pool& pool, const Catalogue& catalogue,
                                      Known& known, const CounterMessage& message) {
    Check check(database, pool, catalogue, known, message.later);
    if (const auto checked = check.run(message); !checked) return checked.error();
    return std::move(check.changes);
}

}  // namespace meterbox::account
