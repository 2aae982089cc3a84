#include "account/tranche_numbers.hpp"

#include <algorithm>
#include <utility>

#include "account/database.hpp"
#include "core/assert.hpp"

namespace meterbox::account {

namespace {

// Epochs are fewer than 2^21 (core::limits::epoch_max, and one more for each time that a store is put back).
constexpr int epoch_bits = 42;
// A gap is less than one of so many parts of the numbers that are left: 90,000 starts take half of them.
constexpr std::int64_t gaps = 65'536;

}  // namespace

std::int64_t TrancheNumbers::last(Database& database) {
    const auto found = database.first("SELECT coalesce((SELECT max(id) FROM tranche), 0), epoch FROM account",
                                      [](auto& row) { return std::pair(row.integer(0), row.integer(1)); });
    if (!found) return 0;
    const auto [highest, epoch] = *found;
    const std::int64_t connection = database.connection().times_made();
    const std::int64_t before = (epoch - 1) << epoch_bits;  // the epoch's numbers
    const bool goes_on = begun_ && begun_->connection == connection && highest >= begun_->first;
    if (goes_on && highest >= before) return highest;
    std::int64_t last = std::max(highest, before);
    if (last > 0) {  // nothing was sold before the first tranche of all
        METERBOX_ASSERT(random_ != nullptr);
        const std::int64_t left = std::max<std::int64_t>(0, before + (std::int64_t{1} << epoch_bits) - last);
        last += random_->below(left / gaps + 1);
    }
    begun_ = {last + 1, connection};
    return last;
}

}  // namespace meterbox::account
