// The rules of protocol, Sizing, as arithmetic.
#include "account/sizing.hpp"

#include <algorithm>

#include "core/limits.hpp"
#include "core/mutant.hpp"

namespace meterbox::account {

using core::Units;

Units expected_units(core::Amount rate_per_hour, std::int64_t horizon_ms, core::Amount unit_size) {
    METERBOX_ASSERT(rate_per_hour.value() >= 0 && horizon_ms >= 0 && unit_size.value() >= 1);
    std::int64_t usage = 0;
    if (__builtin_mul_overflow(rate_per_hour.value(), horizon_ms, &usage)) {
        return Units{core::limits::units_max};  // an absurd rate asks for all there may be
    }
    std::int64_t unit_hours = 0;
    if (__builtin_mul_overflow(unit_size.value(), core::hour_ms, &unit_hours)) return Units{1};
    const std::int64_t units = usage / unit_hours + (usage % unit_hours != 0 ? 1 : 0);
    return Units{std::min(units, core::limits::units_max)};
}

Units units_begun(core::Amount begun, core::Amount unit_size) {
    METERBOX_ASSERT(begun.value() >= 0 && unit_size.value() >= 1);
    const bool in_progress = begun.value() % unit_size.value() != 0;
    return Units{begun.value() / unit_size.value() + (in_progress ? 1 : 0)};
}

Units reserve_target(Units expected, Units available, std::int64_t agents) {
    METERBOX_ASSERT(agents >= 1 && available.value() >= 0 && expected.value() >= 0);
    if (available.value() == 0) return Units{0};
    const std::int64_t share = available.value() / 2 / agents;
    if (share == 0) return Units{1};  // A < 2N
    return Units{std::max<std::int64_t>(1, std::min(expected.value(), share))};
}

Units units_to_lease(const Demand& demand, Units available, const SetAside& aside, std::int64_t agents) {
    // A need repeated because the answer was lost is met by what was leased for it the first time.
    const Units unmet =
        METERBOX_MUTANT(need_met_twice) ? demand.need : std::max(Units{0}, demand.need - demand.spendable);
    const Units not_set_aside = std::max(Units{0}, available - aside.older);
    const Units for_need = METERBOX_MUTANT(pool_overdrawn) ? unmet : std::min(unmet, not_set_aside);
    if (!demand.wants_reserve) return for_need;

    const Units left = std::max(Units{0}, available - for_need - aside.others);
    const Units reserve = std::max(Units{0}, demand.spendable - demand.need);
    const Units target = reserve_target(demand.expected, left, agents);
    Units most = left;
    if (demand.idle) most = std::max(Units{0}, left - Units{2 * agents});
    return for_need + std::min(most, std::max(Units{0}, target - reserve));
}

Units capacity_to_lease(Units need, Units beyond, Units free, Units available) {
    const Units unmet = std::max(Units{0}, need - free);
    const Units held = std::min(unmet, beyond);
    const Units for_held = std::min(held, available);
    const Units checkouts = unmet - held;
    if (for_held < held || checkouts > available - for_held) return for_held;
    return for_held + checkouts;
}

Units units_to_recall(Units spare, bool idle, bool others_wait, Units available, std::int64_t agents) {
    const bool scarce = available.value() / 2 / agents == 0;  // A < 2N
    if (!others_wait && !(idle && scarce)) return Units{0};
    return std::max(Units{0}, spare);
}

Units open_units_to_lease(Units held, Units exposure, Units completed, bool asked) {
    const Units target = exposure + completed;
    if (held >= target) return Units{0};
    if (!asked && held.value() > target.value() / 2) return Units{0};
    return target - held;
}

Units room_of_open(const Tranche& tranche) {
    METERBOX_ASSERT(tranche.open());
    return std::max(Units{}, Units{core::limits::counter_max} - tranche.charged - tranche.leased);
}

std::vector<Units> fill(std::span<const Tranche> in_draw_order, Units units) {
    std::vector<Units> taken;
    taken.reserve(in_draw_order.size());
    for (const Tranche& tranche : in_draw_order) {
        const Units here = tranche.open() ? Units{0} : std::min(units, std::max(Units{}, tranche.available));
        taken.push_back(here);
        units -= here;
    }
    return taken;
}

}  // namespace meterbox::account
