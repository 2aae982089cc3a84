// Counters are joined by their maximum, and what they say is booked in draw order.
#include "account/booking.hpp"

#include "tests/support/catch.hpp"

using namespace meterbox;
using namespace meterbox::account;
using core::Units;

namespace {

constexpr core::UtcTime start{1'000 * core::hour_ms};

Tranche tranche(std::int64_t id, core::Tier tier, std::int64_t available) {
    Tranche made;
    made.id = id;
    made.tier = tier;
    made.purchased = Units{100};
    made.available = Units{available};
    made.starts_at = start;
    return made;
}

Holding holding(std::int64_t granted, std::int64_t used, std::int64_t returned) {
    return {Units{granted}, Units{used}, Units{returned}, start};
}

const std::vector<Completed> three{{core::UtcHour{1'005}, Units{3}}};

}  // namespace

TEST_CASE("a counter grows by what is new of it") {
    const auto growth = join(holding(10, 3, 1), Units{5}, Units{2}, true);
    REQUIRE(growth);
    CHECK(growth->used == Units{2});
    CHECK(growth->returned == Units{1});
}

TEST_CASE("a repeated counter changes nothing") {
    const auto growth = join(holding(10, 3, 1), Units{3}, Units{1}, true);
    REQUIRE(growth);
    CHECK(growth->used == Units{0});
    CHECK(growth->returned == Units{0});
}

TEST_CASE("a counter that is lower changes nothing in an older message and is refused in a later one") {
    CHECK(join(holding(10, 3, 1), Units{2}, Units{1}, false)->used == Units{0});
    CHECK(join(holding(10, 3, 1), Units{2}, Units{1}, true).error().code == core::ErrorCode::conflict);
    CHECK(join(holding(10, 3, 1), Units{3}, Units{0}, true).error().code == core::ErrorCode::conflict);
}

TEST_CASE("more used and returned than granted is refused") {
    CHECK(join(holding(10, 3, 1), Units{9}, Units{1}, true));
    CHECK(join(holding(10, 3, 1), Units{10}, Units{1}, true).error().code == core::ErrorCode::conflict);
    CHECK(join(holding(10, 3, 1), Units{9}, Units{2}, true).error().code == core::ErrorCode::conflict);
    CHECK(join(holding(10, 3, 1), Units{11}, Units{0}, false).error().code == core::ErrorCode::conflict);
    CHECK(join({}, Units{1}, Units{0}, true).error().code == core::ErrorCode::conflict);
}

TEST_CASE("a unit is booked to the tranche whose slot it took when no earlier tier has one") {
    const std::vector tranches{tranche(1, core::Tier::free, 0), tranche(2, core::Tier::payg, 5)};
    CHECK(book(tranches, 1, start, three, start).bookings == std::vector{Booking{1, Units{3}}});
}

TEST_CASE("a payg unit is booked to free as far as free has unleased units") {
    const std::vector tranches{tranche(1, core::Tier::free, 2), tranche(2, core::Tier::payg, 5)};
    CHECK(book(tranches, 1, start, three, start).bookings ==
          std::vector{Booking{0, Units{2}}, Booking{1, Units{1}}});
}

TEST_CASE("nothing is booked to a later tier, nor to another grant of the same one") {
    const std::vector tranches{tranche(1, core::Tier::free, 5), tranche(2, core::Tier::free, 5),
                               tranche(3, core::Tier::payg, 5)};
    CHECK(book(tranches, 1, start, three, start).bookings == std::vector{Booking{1, Units{3}}});
}

TEST_CASE("a grant takes over nothing completed before its start") {
    std::vector tranches{tranche(1, core::Tier::free, 5), tranche(2, core::Tier::payg, 5)};
    const core::UtcTime now{1'007 * core::hour_ms};
    tranches[0].starts_at = core::start_of({1'005});
    CHECK(book(tranches, 1, start, three, now).bookings == std::vector{Booking{0, Units{3}}});
    tranches[0].starts_at = tranches[0].starts_at + 1;
    CHECK(book(tranches, 1, start, three, now).bookings == std::vector{Booking{1, Units{3}}});
    // But the agent got its first slot after the grant's start, so the unit is younger too.
    CHECK(book(tranches, 1, tranches[0].starts_at, three, now).bookings == std::vector{Booking{0, Units{3}}});
}

TEST_CASE("a grant takes over nothing completed after its end") {
    std::vector tranches{tranche(1, core::Tier::free, 5), tranche(2, core::Tier::payg, 5)};
    const core::UtcTime now{1'007 * core::hour_ms};
    tranches[0].ends_at = core::start_of({1'006});
    CHECK(book(tranches, 1, start, three, now).bookings == std::vector{Booking{0, Units{3}}});
    tranches[0].ends_at = *tranches[0].ends_at + -1;
    CHECK(book(tranches, 1, start, three, now).bookings == std::vector{Booking{1, Units{3}}});
}

TEST_CASE("units whose hour isn't known are booked away only to what was valid all the time") {
    std::vector tranches{tranche(1, core::Tier::free, 5), tranche(2, core::Tier::payg, 5)};
    const std::vector<Completed> unknown{{std::nullopt, Units{1}}};
    CHECK(book(tranches, 1, start, unknown, start + 1).bookings == std::vector{Booking{0, Units{1}}});
    tranches[0].starts_at = start + 1;
    CHECK(book(tranches, 1, start, unknown, start + 1).bookings == std::vector{Booking{1, Units{1}}});
}

TEST_CASE("a unit of an hour that is still to come is booked to nothing that hasn't begun") {
    std::vector tranches{tranche(1, core::Tier::free, 5), tranche(2, core::Tier::payg, 5)};
    const core::UtcTime now{1'003 * core::hour_ms};
    CHECK(book(tranches, 1, start, three, now).bookings == std::vector{Booking{0, Units{3}}});
    tranches[0].starts_at = core::start_of({1'004});  // of the next cycle, say
    CHECK(book(tranches, 1, start, three, now).bookings == std::vector{Booking{1, Units{3}}});
}
