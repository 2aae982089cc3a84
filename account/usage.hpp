// A team's usage and completed units, by UTC hour, day or month. Units belong to no subject: they
// stand in the first row of their resource, agent and time, so that the column adds up.
#pragma once

#include <boost/json/fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "account/database.hpp"
#include "core/quantity.hpp"
#include "core/time.hpp"

namespace meterbox::account {

enum class Period { hour, day, month };
std::optional<Period> period_from(std::string_view);

// The start of the period, in UTC, that holds t.
core::UtcTime start_of_period(core::UtcTime t, Period period);

struct UsageRow {
    core::UtcTime from;
    std::string resource;
    std::string agent;
    std::string subject;
    core::Amount usage;
    core::Units units;
};

// Of the hours that start in [from, to). Ordered by time, resource, agent, subject.
std::vector<UsageRow> team_usage(Database& database, const std::string& team, core::UtcTime from,
                                 core::UtcTime to, Period by);
boost::json::object usage_to_json(const std::vector<UsageRow>& rows);

}  // namespace meterbox::account
