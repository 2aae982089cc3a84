// Writes the samples of one metric as lines of Prometheus' text format. What is measured, others say.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/time.hpp"

namespace meterbox::core {

// name="value", escaped. Labels are put together with a comma.
std::string metric_label(std::string_view name, std::string_view value);

class MetricSamples {
public:
    MetricSamples(std::string& text, std::string_view name) : text_(text), name_(name) {}

    void add(std::int64_t value, std::string_view labels = {});
    void add_counter(std::uint64_t value);
    void add_seconds(std::int64_t ms, std::string_view labels = {});  // to the millisecond, exactly
    void add_time(const std::optional<UtcTime>& time, std::string_view labels = {});  // none: no sample

private:
    void line(std::string_view value, std::string_view labels);

    std::string& text_;
    std::string_view name_;
};

}  // namespace meterbox::core
