// Quantity: an integer that knows what it counts. Two quantities of different kinds don't mix, and
// none overflows silently: an overflow is a bug, because every amount is bounded where it enters.
#pragma once

#include <compare>
#include <cstdint>

#include "core/assert.hpp"

namespace meterbox::core {

template <class Tag>
class Quantity {
public:
    constexpr Quantity() = default;
    explicit constexpr Quantity(std::int64_t value) : value_(value) {}

    constexpr std::int64_t value() const { return value_; }

    constexpr Quantity& operator+=(Quantity other) {
        METERBOX_ASSERT(!__builtin_add_overflow(value_, other.value_, &value_));
        return *this;
    }
    constexpr Quantity& operator-=(Quantity other) {
        METERBOX_ASSERT(!__builtin_sub_overflow(value_, other.value_, &value_));
        return *this;
    }
    friend constexpr Quantity operator+(Quantity a, Quantity b) { return a += b; }
    friend constexpr Quantity operator-(Quantity a, Quantity b) { return a -= b; }
    friend constexpr auto operator<=>(Quantity, Quantity) = default;

private:
    std::int64_t value_ = 0;
};

// Usage in the measure of its resource: milliseconds (duration) or a count. Never negative.
using Amount = Quantity<struct AmountTag>;
// Whole charged units.
using Units = Quantity<struct UnitsTag>;

// The usage that so many whole units stand for. unit_size >= 1.
constexpr Amount usage_of(Units units, Amount unit_size) {
    std::int64_t product = 0;
    METERBOX_ASSERT(!__builtin_mul_overflow(units.value(), unit_size.value(), &product));
    return Amount{product};
}

}  // namespace meterbox::core
