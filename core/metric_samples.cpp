#include "core/metric_samples.hpp"

namespace meterbox::core {

std::string metric_label(std::string_view name, std::string_view value) {
    std::string text{name};
    text += "=\"";
    for (const char c : value) {
        if (c == '\\' || c == '"' || c == '\n') text += '\\';
        text += c == '\n' ? 'n' : c;
    }
    return text + '"';
}

void MetricSamples::line(std::string_view value, std::string_view labels) {
    text_ += name_;
    if (!labels.empty()) {
        text_ += '{';
        text_ += labels;
        text_ += '}';
    }
    text_ += ' ';
    text_ += value;
    text_ += '\n';
}

void MetricSamples::add(std::int64_t value, std::string_view labels) {
    line(std::to_string(value), labels);
}

void MetricSamples::add_counter(std::uint64_t value) {
    line(std::to_string(value), {});
}

void MetricSamples::add_seconds(std::int64_t ms, std::string_view labels) {
    constexpr std::uint64_t second = second_ms;
    const auto bits = static_cast<std::uint64_t>(ms);
    const std::uint64_t size = ms < 0 ? 0 - bits : bits;
    const std::string fraction = std::to_string(second + size % second).substr(1);
    line((ms < 0 ? "-" : "") + std::to_string(size / second) + '.' + fraction, labels);
}

void MetricSamples::add_time(const std::optional<UtcTime>& time, std::string_view labels) {
    if (time) add_seconds(time->ms, labels);
}

}  // namespace meterbox::core
