// A team's usage and completed units, by UTC hour, day or month, added up piece by piece, so that a long
// report keeps nobody waiting. What is added up while it goes on may be in it. Units are of no
// subject: those of a time, resource and agent are shared out by the usage of its rows, so that the column
// adds up.
#pragma once

#include <boost/json/fwd.hpp>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "account/database.hpp"
#include "core/error.hpp"
#include "core/quantity.hpp"
#include "core/resource.hpp"
#include "core/time.hpp"

namespace meterbox::account {

enum class Period { hour, day, month };
std::optional<Period> period_from(std::string_view);

// The start of the period, in UTC, that holds t.
core::UtcTime start_of_period(core::UtcTime t, Period period);

// Hours that start in [from, to). resource, agent: only that one, unless empty.
struct UsageQuestion {
    std::string team;
    core::UtcTime from;
    core::UtcTime to;
    Period by = Period::day;
    std::string resource;
    std::string agent;
    // What is older is kept by month: a part of a month, or anything finer, can't be told of it.
    core::UtcTime detail_from = {};
};

struct UsageRow {
    core::UtcTime from;
    std::string resource;
    std::string agent;
    std::string subject;
    core::Amount usage;
    core::Units units;
};

class UsageReport {
public:
    UsageReport(UsageQuestion question, core::UtcTime as_of);

    // Adds up until it is told that it is over; true: there is more.
    bool add_up(Database& database, const std::function<bool()>& over);
    void at_most(std::size_t rows) { rows_max_ = rows; }  // default: the bound of core/account_limits.hpp
    // More rows than a report may have: add_up() has given up.
    bool is_too_long() const { return sums_.size() + units_.size() > rows_max_; }

    // It has to tell finer than what is kept: add_up() has given up. Why, and what to ask for.
    bool is_too_fine() const { return too_fine_; }
    std::string too_fine() const;

    std::vector<UsageRow> rows() const;  // by time, resource, agent, subject
    core::UtcTime as_of() const { return as_of_; }
    const std::string& team() const { return question_.team; }

private:
    // One incarnation of an agent: first its usage, then its units, page by page.
    struct Part {
        std::string agent;
        std::int64_t incarnation = 1;
    };
    using Key = std::tuple<std::int64_t, std::string, std::string>;  // start, resource, agent

    void begin(Database& database);
    void from_the_beginning();
    bool add_usage(Database& database);  // a page of the present part; false: that was the last
    bool add_units(Database& database);
    Key key_of(core::UtcHour hour, const std::string& resource) const;
    bool is_in_time(std::int64_t hour);

    UsageQuestion question_;
    core::UtcTime as_of_;
    std::size_t rows_max_;
    std::int64_t first_hour_;
    std::int64_t end_hour_;
    bool begun_ = false;
    bool too_fine_ = false;
    std::vector<Part> parts_;
    std::size_t part_ = 0;
    bool usage_done_ = false;
    std::tuple<std::int64_t, std::string, std::string> after_;  // of usage: hour, resource, subject
    std::pair<std::int64_t, std::int64_t> units_after_;         // hour, tranche
    std::map<std::string, core::Kind> kinds_;
    std::map<std::pair<Key, std::string>, std::int64_t> sums_;
    std::map<Key, std::int64_t> units_;
};

// Whether there may be usage of it: the team's custody counts as one.
bool has_agent(Database& database, const std::string& team, const std::string& agent);

// Since when a store that keeps usage for so long has it by hour.
core::UtcTime detail_kept_from(core::UtcTime now, std::int64_t keep_ms);

// At once: for a command. invalid: too fine.
[[nodiscard]] core::Result<std::vector<UsageRow>> team_usage(Database& database,
                                                             const UsageQuestion& question);

boost::json::object usage_to_json(const std::string& team, core::UtcTime as_of,
                                  const std::vector<UsageRow>& rows);
// RFC 4180, with a header. A field that a spreadsheet would take for a formula gets a leading quote mark.
std::string usage_to_csv(const std::vector<UsageRow>& rows);

}  // namespace meterbox::account
