// Prints billing cycles for against_zoneinfo.py. Each line of its input is ZONE FIRST_YEAR LAST_YEAR
// ANCHOR_DAY; for each it prints the beginnings, in seconds since 1970, of all cycles that begin within these
// years. As bought in January of the first year: that month has every day.
#include <iostream>
#include <string>

#include "platform/zones/time_zone.hpp"

using namespace meterbox;

int main() {
    std::string zone;
    int first = 0;
    int last = 0;
    unsigned day = 0;
    while (std::cin >> zone >> first >> last >> day) {
        const auto calendar = platform::zones::TimeZone::find(zone);
        if (!calendar) {
            std::cout << calendar.error().detail << "\n";
            continue;
        }
        const core::LocalDate anchor{std::chrono::year{first}, std::chrono::January, std::chrono::day{day}};
        core::UtcTime at = calendar->first_instant(anchor);
        const int months = (last - first + 1) * 12;
        for (int i = 0; i < months; ++i) {
            const core::Cycle cycle = core::cycle_at(anchor, *calendar, at);
            // What holds its first instant holds its last one too, and nothing lies between it and the next.
            const bool whole = cycle.from == at && core::cycle_at(anchor, *calendar, cycle.to + -1) == cycle;
            std::cout << (whole ? "" : "!") << cycle.from.ms / 1'000 << (i + 1 < months ? ' ' : '\n');
            at = cycle.to;
        }
    }
}
