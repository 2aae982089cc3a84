// Values drawn at random but the same for the same seed, for properties that must hold of all:
// a value written as JSON comes back as itself. Edges (0, the largest, empty) come up often.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "core/card.hpp"
#include "core/lease.hpp"
#include "core/limits.hpp"
#include "core/wire.hpp"

namespace meterbox::tests {

class Samples {
public:
    explicit Samples(std::uint64_t seed) : engine_(seed) {}

    std::int64_t between(std::int64_t min, std::int64_t max) {
        const std::uint64_t span = static_cast<std::uint64_t>(max) - static_cast<std::uint64_t>(min);
        if (span == ~std::uint64_t{0}) return static_cast<std::int64_t>(engine_());
        return static_cast<std::int64_t>(static_cast<std::uint64_t>(min) + engine_() % (span + 1));
    }
    // As often small as large, and now and then exactly an end.
    std::int64_t integer(std::int64_t min, std::int64_t max);
    bool coin() { return between(0, 1) == 1; }
    std::string text(std::size_t bytes_min, std::size_t bytes_max);
    std::string id() { return text(1, 20); }
    std::string key();
    core::UtcTime time();
    core::UtcHour hour() { return core::hour_of(time()); }
    template <class T, class Make>
    std::vector<T> list(std::size_t max, Make make) {
        std::vector<T> items(static_cast<std::size_t>(between(0, static_cast<std::int64_t>(max))));
        for (T& item : items) item = make();
        return items;
    }
    template <class Make>
    auto maybe(Make make) -> std::optional<decltype(make())> {
        if (coin()) return std::nullopt;
        return make();
    }

    core::Tier tier() { return static_cast<core::Tier>(between(0, 3)); }
    core::Enforcement enforcement() { return static_cast<core::Enforcement>(between(0, 2)); }
    core::Units units(std::int64_t max = core::limits::counter_max) { return core::Units{integer(0, max)}; }
    core::Amount amount() { return core::Amount{integer(0, core::limits::counter_max)}; }
    core::Amount unit_size() { return core::Amount{integer(1, core::limits::unit_size_max)}; }

    core::Card card();
    core::Lease lease();
    core::Resource resource();
    core::wire::JournalHead head() { return {integer(0, core::limits::counter_max), text(0, 64)}; }
    core::wire::LeaseKey lease_key();
    core::wire::ResourceCounters counters();
    core::wire::UsageRow usage_row() { return {key(), hour(), text(0, 64), amount()}; }

private:
    std::mt19937_64 engine_;
    std::int64_t serial_ = 0;  // makes keys and ids differ
};

}  // namespace meterbox::tests
