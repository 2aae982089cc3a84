// Points in time, as three types that don't mix. core never reads a clock: it is told the time.
// All are in milliseconds. A session is metered on MonotonicTime; expiry, hours and cycles use
// UtcTime; BootTime carries the trusted UTC through a suspended machine.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace meterbox::core {

template <class Tag>
struct TimePoint {
    std::int64_t ms = 0;
    friend constexpr auto operator<=>(TimePoint, TimePoint) = default;
};

using UtcTime = TimePoint<struct UtcTag>;              // since 1970-01-01T00:00:00Z
using MonotonicTime = TimePoint<struct MonotonicTag>;  // CLOCK_MONOTONIC: stands still in suspend
using BootTime = TimePoint<struct BootTag>;            // CLOCK_BOOTTIME: goes on in suspend

template <class Tag>
constexpr TimePoint<Tag> operator+(TimePoint<Tag> t, std::int64_t ms) {
    return {t.ms + ms};
}
template <class Tag>
constexpr std::int64_t operator-(TimePoint<Tag> a, TimePoint<Tag> b) {
    return a.ms - b.ms;
}

inline constexpr std::int64_t second_ms = 1'000;
inline constexpr std::int64_t minute_ms = 60 * second_ms;
inline constexpr std::int64_t hour_ms = 60 * minute_ms;
inline constexpr std::int64_t day_ms = 24 * hour_ms;

// A UTC hour, by its number since 1970.
struct UtcHour {
    std::int64_t number = 0;
    friend constexpr auto operator<=>(UtcHour, UtcHour) = default;
};
constexpr UtcHour hour_of(UtcTime t) {  // floor, also before 1970
    return {t.ms >= 0 ? t.ms / hour_ms : -((-t.ms + hour_ms - 1) / hour_ms)};
}
constexpr UtcTime start_of(UtcHour hour) {
    return {hour.number * hour_ms};
}

// RFC 3339, section 5.6, with any offset, fractions cut to the millisecond, a leap second read as
// the last millisecond of its minute. Years 0001 to 9999. nullopt if it is anything else.
std::optional<UtcTime> parse_rfc3339(std::string_view text);
// "2026-11-23T19:24:00.120Z"; the fraction is left out when it is zero.
std::string format_rfc3339(UtcTime time);

// ISO 8601 duration of weeks, days, hours, minutes and seconds ("P1DT2H", "PT12M30.5S", "P2W"), no
// years or months, no sign; a fraction on seconds only, at most three digits, result in milliseconds.
// nullopt if it is anything else or doesn't fit.
std::optional<std::int64_t> parse_iso8601_duration_ms(std::string_view text);

// "12m30s", "1h", "250ms", "1d", "10s": whole numbers with unit d, h, m, s, ms, largest first,
// each at most once, at least one. nullopt if it is anything else or doesn't fit.
std::optional<std::int64_t> parse_short_duration_ms(std::string_view text);
// The same, shortest exact form; "0s" for 0.
std::string format_short_duration(std::int64_t ms);

}  // namespace meterbox::core
