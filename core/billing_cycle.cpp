#include "core/billing_cycle.hpp"

#include <algorithm>

namespace meterbox::core {

using std::chrono::year_month;

LocalDate cycle_begins(LocalDate anchor, int months) {
    const year_month month = year_month{anchor.year(), anchor.month()} + std::chrono::months{months};
    const auto last = (month / std::chrono::last).day();
    return month / std::min(anchor.day(), last);
}

Cycle cycle_at(LocalDate anchor, const LocalCalendar& calendar, UtcTime time) {
    const LocalDate date = calendar.date_of(time);
    const auto start = [&](int months) { return calendar.first_instant(cycle_begins(anchor, months)); };
    int months = static_cast<int>(
        (year_month{date.year(), date.month()} - year_month{anchor.year(), anchor.month()}).count());
    // The date tells the month, and the instants which side of its boundary: clocks that are set back over
    // midnight show a date twice.
    while (start(months) > time) --months;
    while (start(months + 1) <= time) ++months;
    return {start(months), start(months + 1)};
}

std::optional<LocalDate> parse_date(std::string_view text) {
    if (text.size() != 10) return std::nullopt;
    const auto midnight = parse_rfc3339(std::string(text) + "T00:00:00Z");
    if (!midnight) return std::nullopt;
    return LocalDate{std::chrono::sys_days{std::chrono::days{midnight->ms / day_ms}}};  // exact: a midnight
}

std::string format_date(LocalDate date) {
    const std::int64_t days = std::chrono::sys_days{date}.time_since_epoch().count();
    return format_rfc3339({days * day_ms}).substr(0, 10);
}

}  // namespace meterbox::core
