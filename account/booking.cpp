// Joining counters by their maximum, and the draw order of what was completed.
#include "account/booking.hpp"
#include "core/mutant.hpp"

#include <algorithm>

namespace meterbox::account {

using core::Units;

namespace {

core::Error contradiction(std::string detail) {
    return {core::ErrorCode::conflict, std::move(detail), std::nullopt, {}};
}

bool covers(const Tranche& candidate, core::UtcTime slots_since, std::optional<core::UtcHour> hour,
            core::UtcTime now) {
    // An hour that is still to come was named by a wrong clock: the unit is of now at the latest.
    const core::UtcTime from =
        hour ? std::max(slots_since, std::min(now, core::start_of(*hour))) : slots_since;
    const core::UtcTime to = hour ? std::min(now, core::start_of({hour->number + 1})) : now;
    if (METERBOX_MUTANT(booked_outside_validity)) return true;
    return candidate.starts_at <= from && (!candidate.ends_at || *candidate.ends_at >= to);
}

}  // namespace

core::Result<Growth> join(const Holding& seen, Units used, Units returned, bool later) {
    const auto used_growth = join_total(seen.used.value(), used.value(), later, "used units");
    if (!used_growth) return used_growth.error();
    const auto returned_growth = join_total(seen.returned.value(), returned.value(), later, "returned units");
    if (!returned_growth) return returned_growth.error();
    const Growth growth{Units{*used_growth}, Units{*returned_growth}};
    if (growth.used + growth.returned > seen.left()) {
        return contradiction("more units used and returned than were granted: granted " +
                             std::to_string(seen.granted.value()) + ", used " + std::to_string(used.value()) +
                             ", returned " + std::to_string(returned.value()));
    }
    return growth;
}

core::Result<std::int64_t> join_total(std::int64_t seen, std::int64_t said, bool later, const char* what) {
    if (METERBOX_MUTANT(totals_added)) return said;
    if (said >= seen) return said - seen;
    if (!later) return std::int64_t{0};
    return contradiction(std::string(what) + " fell from " + std::to_string(seen) + " to " +
                         std::to_string(said) + ": the agent's state was put back or copied");
}

Bookings book(std::span<const Tranche> tranches, std::size_t slots, core::UtcTime slots_since,
              std::span<const Completed> completed, core::UtcTime now) {
    std::vector<Units> unleased;
    for (const Tranche& tranche : tranches) unleased.push_back(std::max(Units{}, tranche.available));
    std::vector<Units> booked(tranches.size());
    Bookings result;

    for (const Completed& part : completed) {
        Units left = part.units;
        for (std::size_t i = 0; i < slots && left.value() > 0; ++i) {
            if (tranches[i].tier >= tranches[slots].tier ||
                !covers(tranches[i], slots_since, part.hour, now)) {
                continue;
            }
            const Units here = std::min(left, unleased[i]);
            unleased[i] -= here;
            booked[i] += here;
            left -= here;
        }
        booked[slots] += left;
        result.away.push_back(part.units - left);
    }

    for (std::size_t i = 0; i < booked.size(); ++i) {
        if (booked[i].value() > 0) result.bookings.push_back({i, booked[i]});
    }
    return result;
}

}  // namespace meterbox::account
