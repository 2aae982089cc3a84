// Pages of rows, added up.
#include "account/usage_report.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <span>

#include "core/account_limits.hpp"

namespace meterbox::account {

using core::UtcTime;

namespace {

// What agents say is added up as far as it goes: a sum beyond every figure is shown as the largest.
void add(std::int64_t& sum, std::int64_t figure) {
    if (__builtin_add_overflow(sum, figure, &sum)) sum = std::numeric_limits<std::int64_t>::max();
}

// To each row its part up to and with it, cut to whole units, less what those before it have; where nothing
// was used, all of them to the first.
void share_out(std::span<UsageRow> rows, std::int64_t units) {
    __extension__ using Wide = __int128;
    Wide total = 0;
    for (const UsageRow& row : rows) total += row.usage.value();
    int cut = 0;  // sums beyond every figure lose their last bits
    while ((total >> cut) > std::numeric_limits<std::int64_t>::max()) ++cut;
    Wide used = 0;
    std::int64_t given = 0;
    for (UsageRow& row : rows) {
        used += row.usage.value();
        const auto due =
            total == 0 ? units : static_cast<std::int64_t>(units * (used >> cut) / (total >> cut));
        row.units = core::Units{due - given};
        given = due;
    }
}

}  // namespace

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

UsageReport::UsageReport(UsageQuestion question, UtcTime as_of)
    : question_(std::move(question)),
      as_of_(as_of),
      rows_max_(core::limits::report_rows_max),
      first_hour_(core::hour_of(question_.from + (core::hour_ms - 1)).number),
      end_hour_(core::hour_of(question_.to + (core::hour_ms - 1)).number) {
    from_the_beginning();
}

// Before all that is in the first hour; where months are kept, in the first one's.
void UsageReport::from_the_beginning() {
    usage_done_ = false;
    const bool by_month = question_.from < question_.detail_from;
    const std::int64_t first =
        by_month ? core::hour_of(start_of_period(question_.from, Period::month)).number : first_hour_;
    after_ = {first, "", ""};
    units_after_ = {first, 0};
}

bool UsageReport::is_in_time(std::int64_t hour) {
    const core::UtcTime start = core::start_of({hour});
    if (start < question_.detail_from) {
        const core::UtcTime month = start_of_period(start, Period::month);
        const core::UtcTime next = start_of_period(month + 31 * core::day_ms, Period::month);
        too_fine_ =
            too_fine_ || question_.by != Period::month || month < question_.from || next > question_.to;
    }
    return hour >= first_hour_;
}

std::string UsageReport::too_fine() const {
    return "usage of before " + core::format_rfc3339(question_.detail_from) +
           " is kept by month: ask for whole months by month, or for what came since";
}

void UsageReport::begin(Database& database) {
    begun_ = true;
    // Those that there were: an agent that says a higher one has skipped what is between.
    database.each(
        "SELECT id, incarnation FROM agent WHERE team = ?1 AND (?2 = '' OR id = ?2) UNION "
        "SELECT agent.id, number FROM incarnation JOIN agent ON agent.id = incarnation.agent WHERE team = ?1 "
        "AND (?2 = '' OR agent.id = ?2) ORDER BY 1, 2",
        [&](auto& row) {
            parts_.push_back({row.string(0), row.integer(1)});
        },
        question_.team, question_.agent);
    database.each("SELECT key, kind FROM resource", [&](auto& row) {
        kinds_[row.string(0)] = core::kind_from(row.text(1)).value_or(core::Kind::exhaustible);
    });
}

bool UsageReport::add_up(Database& database, const std::function<bool()>& over) {
    if (!begun_) begin(database);
    while (part_ < parts_.size() && !database.failed() && !is_too_long() && !too_fine_) {
        if (!usage_done_) {
            usage_done_ = !add_usage(database);
        } else if (!add_units(database)) {
            ++part_;
            from_the_beginning();
        }
        if (over()) return part_ < parts_.size();
    }
    return false;
}

UsageReport::Key UsageReport::key_of(core::UtcHour hour, const std::string& resource) const {
    return {start_of_period(core::start_of(hour), question_.by).ms, resource, parts_[part_].agent};
}

bool UsageReport::add_usage(Database& database) {
    const auto [hour, resource, subject] = after_;
    std::int64_t read = 0;
    database.each(
        "SELECT hour, resource, subject, amount FROM usage WHERE agent = ? AND incarnation = ? AND hour < ? "
        "AND (hour, resource, subject) > (?, ?, ?) ORDER BY hour, resource, subject LIMIT ?",
        [&](auto& row) {
            ++read;
            after_ = {row.integer(0), row.string(1), row.string(2)};
            const std::string& key = std::get<1>(after_);
            if (!question_.resource.empty() && key != question_.resource) return;
            if (!is_in_time(row.integer(0))) return;
            std::int64_t& sum = sums_[{key_of({row.integer(0)}, key), row.string(2)}];
            if (kinds_[key] == core::Kind::exhaustible) return add(sum, row.integer(3));
            sum = std::max(sum, row.integer(3));  // the most that was held at once
        },
        parts_[part_].agent, parts_[part_].incarnation, end_hour_, hour, resource, subject,
        core::limits::report_page_rows);
    return read == core::limits::report_page_rows;
}

bool UsageReport::add_units(Database& database) {
    const auto [hour, tranche] = units_after_;
    std::int64_t read = 0;
    database.each(
        "SELECT hour, tranche, units, tranche.resource FROM unit_hour JOIN tranche ON tranche.id = "
        "unit_hour.tranche WHERE agent = ? AND incarnation = ? AND hour < ? AND (hour, tranche) > "
        "(?, ?) ORDER BY hour, tranche LIMIT ?",
        [&](auto& row) {
            ++read;
            units_after_ = {row.integer(0), row.integer(1)};
            const std::string resource = row.string(3);
            if (!question_.resource.empty() && resource != question_.resource) return;
            if (!is_in_time(row.integer(0))) return;
            add(units_[key_of({row.integer(0)}, resource)], row.integer(2));
        },
        parts_[part_].agent, parts_[part_].incarnation, end_hour_, hour, tranche,
        core::limits::report_page_rows);
    return read == core::limits::report_page_rows;
}

std::vector<UsageRow> UsageReport::rows() const {
    std::vector<UsageRow> rows;
    auto units = units_.begin();
    const auto put_without_usage = [&] {
        const auto& [start, resource, agent] = units->first;
        rows.push_back({{start}, resource, agent, "", core::Amount{0}, core::Units{units->second}});
        ++units;
    };
    for (auto sum = sums_.begin(); sum != sums_.end();) {
        const Key& key = sum->first.first;
        while (units != units_.end() && units->first < key) put_without_usage();
        const auto& [start, resource, agent] = key;
        const std::size_t first = rows.size();
        for (; sum != sums_.end() && sum->first.first == key; ++sum)
            rows.push_back(
                {{start}, resource, agent, sum->first.second, core::Amount{sum->second}, core::Units{0}});
        if (units == units_.end() || units->first != key) continue;
        share_out(std::span(rows).subspan(first), units->second);
        ++units;
    }
    while (units != units_.end()) put_without_usage();
    return rows;
}

bool has_agent(Database& database, const std::string& team, const std::string& agent) {
    return database.number("SELECT count(*) FROM agent WHERE id = ? AND team = ?", agent, team) != 0;
}

core::UtcTime detail_kept_from(core::UtcTime now, std::int64_t keep_ms) {
    return start_of_period(now + -keep_ms, Period::month);
}

core::Result<std::vector<UsageRow>> team_usage(Database& database, const UsageQuestion& question) {
    UsageReport report(question, {});
    while (report.add_up(database, [] { return false; })) {
    }
    if (report.is_too_fine())
        return core::Error{core::ErrorCode::invalid, report.too_fine(), std::nullopt, {}};
    return report.rows();
}

}  // namespace meterbox::account
