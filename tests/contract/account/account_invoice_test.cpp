// Billing cycles and their invoices: what is on which, and that a final one stays.
#include "tiers_fixture.hpp"

using namespace meterbox;
using namespace meterbox::tests;

TEST_CASE_METHOD(Tiers,
                 "an invoice counts a cycle's payg units, is final after a day, and never changes then") {
    grant({"--resource", "render", "--tier", "payg", "--cap", "50", "--anchor", "2026-07-15", "--zone",
           "Europe/Paris"});
    Said one = joined();
    const core::Lease lease = sync_lease(one, {counters("render", 0, 9, 0)});
    tell(one, {used_up(lease, "render", 3, clock.wall_now())});
    clock.advance(1);
    done({"resource", "set", "render", "--price", "250"});  // holds from the next cycle on
    auto bill = json({"invoice", "lab"});
    CHECK(bill.at("from") == "2026-07-14T22:00:00Z");
    CHECK(bill.at("to") == "2026-08-14T22:00:00Z");
    CHECK(bill.at("zone") == "Europe/Paris");
    CHECK(bill.at("status") == "open");
    CHECK(bill.at("currency") == "EUR");
    CHECK(bill.at("total") == 300);

    // Heard of within the day: still of its cycle, though another has begun.
    clock.set_wall(at("2026-08-15T21:59:59Z"));
    auto late = used_up(lease, "render", 5, at("2026-08-14T20:00:00Z"));
    late.tranches[0].hours[0].units = Units{2};
    tell(one, {late});
    CHECK(json({"invoice", "lab", "--cycle", "2026-07-15"}).at("total") == 500);
    clock.set_wall(at("2026-08-15T22:00:00Z"));
    const auto last = json({"invoice", "lab", "--cycle", "2026-08-14"});
    CHECK(last.at("status") == "final");
    CHECK(last.at("lines").at(0).at("late_units") == 0);

    // Later: on the next one, named, at its own price.
    auto later = used_up(lease, "render", 6, at("2026-08-14T21:00:00Z"));
    later.tranches[0].hours[0].units = Units{1};
    tell(one, {later});
    CHECK(json({"invoice", "lab", "--cycle", "2026-07-15"}) == last);
    bill = json({"invoice", "lab"});
    CHECK(bill.at("from") == "2026-08-14T22:00:00Z");
    CHECK(bill.at("lines").at(0).at("units") == 1);
    CHECK(bill.at("lines").at(0).at("late_units") == 1);
    CHECK(bill.at("lines").at(0).at("unit_price") == 100);
    CHECK(bill.at("total") == 100);
    audited();
}

TEST_CASE_METHOD(Tiers, "a cycle's units cost what one cost when it began") {
    grant({"--resource", "render", "--tier", "payg", "--cap", "50", "--anchor", "2026-07-15"});
    done({"resource", "set", "render", "--price", "250"});
    clock.set_wall(at("2026-08-15T01:00:00Z"));
    done({"resource", "set", "render", "--price", "999"});
    Said one = joined();
    const core::Lease lease = sync_lease(one, {counters("render", 0, 2, 0)});
    tell(one, {used_up(lease, "render", 2, clock.wall_now())});
    CHECK(json({"invoice", "lab"}).at("total") == 500);
    CHECK(done({"invoice", "lab"}).find("total 500 EUR") != std::string::npos);
    CHECK(json({"invoice", "lab", "--cycle", "2026-08-14"}).at("total") == 0);
}

TEST_CASE_METHOD(Tiers, "a team without payg has calendar months in its zone, without lines") {
    done({"team", "add", "free", "--zone", "Asia/Tokyo"});
    const auto bill = json({"invoice", "free"});
    CHECK(bill.at("from") == "2026-06-30T15:00:00Z");
    CHECK(bill.at("to") == "2026-07-31T15:00:00Z");
    CHECK(bill.at("lines").as_array().empty());
    CHECK(bill.at("currency").is_null());
    CHECK(bill.at("total") == 0);
    CHECK(exit({"invoice", "nobody"}) == exit_failed);
    CHECK(exit({"invoice", "free", "--cycle", "July"}) == exit_usage);
    CHECK(exit({"invoice", "free", "--cycle", "2026-02-30"}) == exit_usage);
    CHECK(exit({"invoice"}) == exit_usage);
}
