// The account's metrics, in Prometheus' text format 0.0.4 or as OpenMetrics 1.0. One table names each with
// its type and help; docs/ACCOUNT_METRICS.md is checked against it. Pure: figures in, text out.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/card.hpp"
#include "core/time.hpp"

namespace meterbox::account {

inline constexpr std::string_view prometheus_type = "text/plain; version=0.0.4; charset=utf-8";
inline constexpr std::string_view openmetrics_type =
    "application/openmetrics-text; version=1.0.0; charset=utf-8";

// What is measured of one team.
struct TeamFigures {
    std::string team;
    std::vector<core::Card> cards;
    std::map<std::string, std::int64_t> agents;    // how many, by state
    std::map<std::string, std::int64_t> in_doubt;  // units, by resource
    std::map<std::string, std::int64_t> tickets;   // by resource
    std::optional<core::UtcTime> last_sync_at;
    std::int64_t refused_messages = 0;
};

// Of the process.
struct ProcessFigures {
    std::string version;
    core::UtcTime started_at;
    std::uint64_t commits = 0;
    std::uint64_t commit_failures = 0;
};

struct AccountFigures {
    std::optional<ProcessFigures> process;  // none: it is not for who asks
    std::vector<TeamFigures> teams;
};

struct AccountMetric {
    std::string_view name;  // a counter's without its _total
    std::string_view type;  // gauge, counter
    std::string_view labels;
    std::string_view help;
};
std::vector<AccountMetric> account_metric_table();

std::string account_metrics_text(const AccountFigures& figures, bool openmetrics);

}  // namespace meterbox::account
