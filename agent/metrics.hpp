// The agent's metrics in Prometheus' text format 0.0.4. One table names each with its type and help;
// docs/METRICS.md is checked against it. Base units (seconds, bytes), counters end in _total; figures
// are written from integers, without a float in between.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/status.hpp"

namespace meterbox::agent {

inline constexpr std::string_view metrics_content_type = "text/plain; version=0.0.4; charset=utf-8";

struct MetricTraits {
    std::string_view name;
    std::string_view type;    // gauge, counter
    std::string_view labels;  // comma-separated; empty: none
    std::string_view help;
};
std::vector<MetricTraits> metric_table();

std::string metrics_text(const StatusSnapshot& status);

}  // namespace meterbox::agent
