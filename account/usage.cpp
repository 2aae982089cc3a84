// Adding hours up.
#include "account/usage.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <limits>
#include <map>
#include <tuple>

#include "core/resource.hpp"

namespace meterbox::account {

using core::UtcTime;

std::optional<Period> period_from(std::string_view text) {
    if (text == "hour") return Period::hour;
    if (text == "day") return Period::day;
    if (text == "month") return Period::month;
    return std::nullopt;
}

UtcTime start_of_period(UtcTime t, Period period) {
    const UtcTime hour = core::start_of(core::hour_of(t));
    if (period == Period::hour) return hour;
    const auto day = std::chrono::floor<std::chrono::days>(
        std::chrono::sys_time<std::chrono::milliseconds>(std::chrono::milliseconds(hour.ms)));
    if (period == Period::day) return {day.time_since_epoch().count() * core::day_ms};
    const std::chrono::year_month_day date{day};
    const std::chrono::sys_days first{date.year() / date.month() / 1};
    return {first.time_since_epoch().count() * core::day_ms};
}

namespace {

// What agents say is added up as far as it goes: a sum beyond every figure is shown as the largest.
void add(std::int64_t& sum, std::int64_t figure) {
    if (__builtin_add_overflow(sum, figure, &sum)) sum = std::numeric_limits<std::int64_t>::max();
}

}  // namespace

std::vector<UsageRow> team_usage(Database& database, const std::string& team, UtcTime from, UtcTime to,
                                 Period by) {
    struct Sum {
        std::int64_t usage = 0;
        std::int64_t units = 0;
    };
    std::map<std::tuple<std::int64_t, std::string, std::string, std::string>, Sum> sums;
    const std::int64_t first = core::hour_of(from + (core::hour_ms - 1)).number;
    const std::int64_t end = core::hour_of(to + (core::hour_ms - 1)).number;

    const auto key_of = [&](auto& row, std::string subject) {
        const UtcTime start = start_of_period(core::start_of({row.integer(0)}), by);
        return std::tuple(start.ms, row.string(1), row.string(2), std::move(subject));
    };
    database.each(
        "SELECT hour, resource, usage.agent, subject, amount, (SELECT kind FROM resource WHERE key = "
        "usage.resource) FROM usage JOIN agent ON agent.id = usage.agent WHERE agent.team = ? AND hour >= ? "
        "AND hour < ?",
        [&](auto& row) {
            std::int64_t& usage = sums[key_of(row, row.string(3))].usage;
            if (row.text(5) == core::name_of(core::Kind::exhaustible)) return add(usage, row.integer(4));
            usage = std::max(usage, row.integer(4));  // the most that was held at once
        },
        team, first, end);
    database.each(
        "SELECT hour, tranche.resource, unit_hour.agent, units FROM unit_hour JOIN tranche ON "
        "tranche.id = unit_hour.tranche WHERE tranche.team = ? AND hour >= ? AND hour < ?",
        [&](auto& row) {
            auto key = key_of(row, "");
            const auto place = sums.lower_bound(key);
            const bool there = place != sums.end() && std::get<0>(place->first) == std::get<0>(key) &&
                               std::get<1>(place->first) == std::get<1>(key) &&
                               std::get<2>(place->first) == std::get<2>(key);
            add((there ? place->second : sums[std::move(key)]).units, row.integer(3));
        },
        team, first, end);

    std::vector<UsageRow> rows;
    for (const auto& [key, sum] : sums) {
        const auto& [start, resource, agent, subject] = key;
        rows.push_back({{start}, resource, agent, subject, core::Amount{sum.usage}, core::Units{sum.units}});
    }
    return rows;
}

boost::json::object usage_to_json(const std::vector<UsageRow>& rows) {
    boost::json::array list;
    for (const UsageRow& row : rows) {
        list.push_back({{"from", core::format_rfc3339(row.from)},
                        {"resource", row.resource},
                        {"agent", row.agent},
                        {"subject", row.subject},
                        {"usage", row.usage.value()},
                        {"units", row.units.value()}});
    }
    boost::json::object json;
    json["rows"] = std::move(list);
    return json;
}

}  // namespace meterbox::account
