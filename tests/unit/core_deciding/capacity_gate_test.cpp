// The gate of capacity that is checked out and comes back (R10).
#include "core/gate.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/core_deciding/builders.hpp"
#include "tests/unit/core_deciding/supply_builder.hpp"

using namespace meterbox;
using namespace meterbox::tests;
using core::Amount;
using core::BalanceState;
using core::Supply;
using core::Tier;
using core::Units;

TEST_CASE("of capacity that is held beyond what there is nothing is free, here or elsewhere") {
    core::Resource seats = resource_of(1);
    seats.kind = core::Kind::returnable;
    core::ResourceLedger ledger{seats};
    (void)ledger.take_lease(
        lease_of(1, {leased("old", Tier::free, 40, 0, 50), leased("new", Tier::flex, 10)}), at(0));
    ledger.hold(Units{40});
    Supply supply = supply_of(0, 70);  // 100 are held by all, 60 of them elsewhere and leased there
    supply.team->charged_units = Units{100};
    supply.team->leased_units = Units{70};
    const auto now = [&] { return core::standing(ledger, supply, Amount{0}, at(50)); };
    CHECK(core::overage_units(ledger, at(50)) == Units{30});
    for (const std::int64_t heard : {0, 30}) {  // of what is missing, by the account
        supply.team->overage_units = Units{heard};
        CHECK(now().available_units == Units{0});
        CHECK(now().available == Amount{0});
        CHECK(now().state == BalanceState::exhausted);
    }
    supply.team->purchased_units = Units{110};  // 40 aren't leased, and 30 are missing here
    supply.team->available_units = Units{10};
    CHECK(now().available_units == Units{10});
    supply.team->overage_units = Units{35};  // 5 more elsewhere
    CHECK(now().available_units == Units{5});
    supply.team->overage_units = Units{40};
    CHECK(now().state == BalanceState::exhausted);
}

TEST_CASE("of capacity whose grants have ended nothing is free, whatever is held") {
    core::Resource seats = resource_of(1);
    seats.kind = core::Kind::returnable;
    core::ResourceLedger ledger{seats};
    ledger.hold(Units{60});
    Supply supply = supply_of(0, 0);
    supply.team->state = BalanceState::ended;
    supply.team->charged_units = Units{100};
    CHECK(core::standing(ledger, supply, Amount{0}, at(0)).available_units == Units{0});
    CHECK(core::standing(ledger, supply, Amount{0}, at(0)).state == BalanceState::ended);
    CHECK(core::overage_units(ledger, at(0)) == Units{60});
    seats.enforcement = core::Enforcement::none;
    ledger.describe(seats);
    CHECK(core::overage_units(ledger, at(0)) == Units{0});
}

TEST_CASE("capacity that has ended by a clock that isn't trusted alone is refused for the clock") {
    core::Resource seats = resource_of(1);
    seats.kind = core::Kind::returnable;
    core::ResourceLedger ledger{seats};
    (void)ledger.take_lease(lease_of(1, {leased("g", Tier::free, 5, 0, 100)}), at(0));
    Supply supply = supply_of(5, 5);
    supply.team->ends_at = core::UtcTime{100};
    const auto reason = [&](std::int64_t earliest, std::int64_t latest) {
        return core::standing(ledger, supply, Amount{0}, {core::UtcTime{earliest}, core::UtcTime{latest}})
            .reason;
    };
    CHECK(reason(50, 99).empty());
    CHECK(reason(99, 100) == "clock");
    CHECK(reason(100, 101) == "ended");
    supply.reachable = false;
    supply.spend_until = core::UtcTime{60};
    CHECK(reason(59, 60) == "clock");
    CHECK(reason(60, 60) == "stale");
}

TEST_CASE("capacity is what is free here and at the last sync elsewhere, and out of reach what is here") {
    core::Resource seats = resource_of(1);
    seats.kind = core::Kind::returnable;
    core::ResourceLedger ledger{seats};
    (void)ledger.take_lease(lease_of(1, {leased("g", Tier::free, 5, 0, 100)}), at(0));
    ledger.hold(Units{3});
    Supply supply = supply_of(4, 10);  // six are held by all
    supply.reachable = true;
    supply.team->charged_units = Units{6};
    supply.team->leased_units = Units{8};
    CHECK(core::standing(ledger, supply, Amount{0}, at(0)).available == Amount{2 + 2});
    CHECK(core::standing(ledger, supply, Amount{1}, at(0)).available == Amount{1 + 2});
    supply.reachable = false;
    CHECK(core::standing(ledger, supply, Amount{0}, at(0)).available == Amount{2});
    CHECK(core::standing(ledger, supply, Amount{2}, at(0)).state == BalanceState::exhausted);
    supply.spend_until = core::UtcTime{50};
    CHECK(core::standing(ledger, supply, Amount{0}, at(49)).available == Amount{2});
    CHECK(core::standing(ledger, supply, Amount{0}, at(50)).reason == "stale");
}
