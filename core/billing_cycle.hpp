// Billing cycles (R11): months anchored to the local date of a purchase. Bought on the 31st, a cycle
// begins on the 31st, or on the last day of a month that has none: counted from the anchor each time,
// so that it never slides. Cycles are half-open intervals of UTC, without gap and without overlap.
// Where a local day begins is the zone's business (LocalCalendar); which days count is decided here.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "core/time.hpp"

namespace meterbox::core {

using LocalDate = std::chrono::year_month_day;  // always a day that there is

// One time zone, as far as cycles need it.
class LocalCalendar {
public:
    virtual ~LocalCalendar() = default;
    // The first instant at which its clocks show the date; the first after it, where they skip it whole.
    virtual UtcTime first_instant(LocalDate date) const = 0;
    virtual LocalDate date_of(UtcTime time) const = 0;
};

struct Cycle {
    UtcTime from;
    UtcTime to;  // exclusive, and the next one's `from`
    bool holds(UtcTime t) const { return t >= from && t < to; }
    friend bool operator==(const Cycle&, const Cycle&) = default;
};

// On which date the cycle begins that is so many months after (before: < 0) the anchor's own.
LocalDate cycle_begins(LocalDate anchor, int months);
// The cycle that holds this moment, also one before the anchor.
Cycle cycle_at(LocalDate anchor, const LocalCalendar& calendar, UtcTime time);

// "2026-07-15", years 0001 to 9999, a day that there is; nullopt if it is anything else.
std::optional<LocalDate> parse_date(std::string_view text);
std::string format_date(LocalDate date);

}  // namespace meterbox::core
