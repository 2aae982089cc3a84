// The last look at a cycle's draw order: what an agent held back unused covers what another was charged for.
#include "tiers_fixture.hpp"

using namespace meterbox;
using namespace meterbox::tests;

namespace {

// Payg cycles from the 15th on, in UTC; a free allowance a cycle beside it.
struct Drawn : Tiers {
    explicit Drawn(const Words& more = {}) {
        Words payg{"--resource", "render", "--tier", "payg", "--anchor", "2026-07-15"};
        payg.insert(payg.end(), more.begin(), more.end());
        grant(payg);
    }

    // Leased all that there is of free to one agent, so that another one's units are pay as you go.
    void hold_free(std::int64_t units_free) {
        units("free", std::to_string(units_free), {"--refresh", "cycle", "--anchor", "2026-07-15"});
        holder = joined();
        held = sync_lease(holder, {counters("render", 0, units_free, 0)});
        REQUIRE(held.resources.at(0).tranches.at(0).granted == Units{units_free});
    }
    Said uses_payg(std::int64_t units) {
        Said one = joined();
        const core::Lease lease = sync_lease(one, {counters("render", 0, units, 0)});
        REQUIRE(of_tier(lease, "render", core::Tier::payg) >= units);
        tell(one, {used_up(lease, "render", units, clock.wall_now())});
        return one;
    }
    // The holder gives back all that it hasn't used, after the cycle's end.
    void give_back(std::int64_t units) {
        auto said = counters("render", 0, 0, 0);
        said.tranches.push_back({held.resources.at(0).tranches.at(0).tranche, Units{0}, Units{units}, {}});
        tell(holder, {said});
    }
    std::int64_t payg_units(const char* cycle) {
        std::int64_t sum = 0;
        const auto bill = json({"invoice", "lab", "--cycle", cycle});
        for (const auto& line : bill.at("lines").as_array()) sum += line.at("units").as_int64();
        return sum;
    }

    std::int64_t late_units(const char* cycle) {
        const auto bill = json({"invoice", "lab", "--cycle", cycle});
        return bill.at("lines").at(0).at("late_units").as_int64();
    }

    Said holder;
    core::Lease held;
};

struct Capped : Drawn {
    Capped() : Drawn({"--cap", "50"}) {}
};

}  // namespace

TEST_CASE_METHOD(Drawn, "free units that came back unused take over payg ones before the invoice is final") {
    hold_free(3);
    uses_payg(5);
    CHECK(payg_units("2026-07-15") == 5);
    clock.set_wall(at("2026-08-15T12:00:00Z"));
    give_back(3);
    CHECK(payg_units("2026-07-15") == 5);  // not yet: more may come back
    clock.set_wall(at("2026-08-16T00:00:00Z"));
    CHECK(payg_units("2026-07-15") == 2);
    CHECK(json({"invoice", "lab", "--cycle", "2026-07-15"}).at("status") == "final");
    CHECK(stored("charged", 3) == 3);  // free, in the cycle from 15 July on
    CHECK(stored("expired", 3) == 0);
    audited();

    // What comes back after that changes no final invoice.
    clock.advance(core::day_ms);
    CHECK(payg_units("2026-07-15") == 2);
    CHECK(payg_units("2026-08-15") == 0);
    audited();
}

TEST_CASE_METHOD(Drawn,
                 "late payg units are covered by free ones that came back before their invoice is final") {
    hold_free(3);
    uses_payg(5);  // on the invoice of their cycle
    Said away = joined();
    const core::Lease lease = sync_lease(away, {counters("render", 0, 4, 0)});
    const auto used = used_up(lease, "render", 4, clock.wall_now());
    clock.set_wall(at("2026-08-16T00:00:00Z"));
    CHECK(payg_units("2026-07-15") == 5);
    tell(away, {used});
    CHECK(payg_units("2026-08-15") == 4);
    give_back(3);
    CHECK(payg_units("2026-08-15") == 4);  // not yet, as of a cycle's own
    clock.set_wall(at("2026-09-16T00:00:00Z"));
    CHECK(json({"invoice", "lab", "--cycle", "2026-08-15"}).at("status") == "final");
    CHECK(payg_units("2026-08-15") == 1);
    CHECK(late_units("2026-08-15") == 1);
    CHECK(payg_units("2026-07-15") == 5);
    CHECK(stored("charged", 3) == 3);
    CHECK(stored("expired", 3) == 0);
    audited();
    clock.set_wall(at("2026-10-16T00:00:00Z"));
    CHECK(payg_units("2026-09-15") == 0);
    audited();
}

TEST_CASE_METHOD(Drawn, "what is on a final invoice isn't covered by what comes back after it") {
    hold_free(9);
    uses_payg(5);
    Said away = joined();
    const core::Lease lease = sync_lease(away, {counters("render", 0, 4, 0)});
    const auto used = used_up(lease, "render", 4, clock.wall_now());
    clock.set_wall(at("2026-08-16T00:00:00Z"));
    tell(away, {used});
    give_back(9);
    clock.set_wall(at("2026-09-16T00:00:00Z"));
    CHECK(payg_units("2026-07-15") == 5);
    CHECK(payg_units("2026-08-15") == 0);
    CHECK(stored("charged", 3) == 4);
    CHECK(stored("expired", 3) == 5);
    audited();
}

TEST_CASE_METHOD(Drawn,
                 "units on a final invoice aren't covered in place of late ones that were used later") {
    units("free", "4", {"--ends", "2026-08-01"});
    holder = joined();
    held = sync_lease(holder, {counters("render", 0, 4, 0)});
    uses_payg(5);
    Said away = joined();
    const core::Lease lease = sync_lease(away, {counters("render", 0, 4, 0)});
    clock.set_wall(at("2026-08-10T12:00:00Z"));
    const auto used = used_up(lease, "render", 4, clock.wall_now());
    clock.set_wall(at("2026-08-16T00:00:00Z"));
    CHECK(payg_units("2026-07-15") == 5);
    tell(away, {used});
    give_back(4);  // valid for what is on the final invoice, and for nothing that is late
    clock.set_wall(at("2026-09-16T00:00:00Z"));
    CHECK(payg_units("2026-07-15") == 5);
    CHECK(late_units("2026-08-15") == 4);
    audited();
}

TEST_CASE_METHOD(Capped, "units on a final invoice aren't covered in place of late ones that were counted") {
    hold_free(4);
    uses_payg(5);
    Said lost = joined();
    sync_lease(lost, {counters("render", 0, 4, 0)});
    clock.set_wall(at("2026-08-16T00:00:00Z"));
    CHECK(payg_units("2026-07-15") == 5);
    done({"agent", "write-off", lost.agent, "--as", "count"});
    CHECK(late_units("2026-08-15") == 4);
    give_back(4);
    clock.set_wall(at("2026-09-16T00:00:00Z"));
    CHECK(payg_units("2026-07-15") == 5);
    CHECK(late_units("2026-08-15") == 4);
    audited();
}

TEST_CASE_METHOD(Capped, "units that were counted on a final invoice, and are told since, stay on it") {
    hold_free(4);
    Said lost = joined();
    const core::Lease lease = sync_lease(lost, {counters("render", 0, 4, 0)});
    const auto made = used_up(lease, "render", 4, clock.wall_now());
    done({"agent", "write-off", lost.agent, "--as", "count"});
    clock.set_wall(at("2026-08-16T00:00:00Z"));
    CHECK(payg_units("2026-07-15") == 4);
    REQUIRE(say_hello(lost, 1, {1, "start"}, made));
    give_back(4);
    clock.set_wall(at("2026-09-16T00:00:00Z"));
    CHECK(payg_units("2026-07-15") == 4);
    CHECK(payg_units("2026-08-15") == 0);
    audited();
}

TEST_CASE_METHOD(Drawn, "a grant covers nothing that was used before its start or after its end") {
    uses_payg(5);
    clock.advance(2 * core::hour_ms);
    units("flex", "4");  // began after the units were completed
    clock.set_wall(at("2026-08-16T00:00:00Z"));
    CHECK(payg_units("2026-07-15") == 5);
    audited();
}

TEST_CASE_METHOD(Drawn, "a grant that an operator ended covers nothing that was used afterwards") {
    units("flex", "4");
    holder = joined();
    held = sync_lease(holder, {counters("render", 0, 4, 0)});
    done({"grant", "end", "lab", "g2"});
    clock.advance(2 * core::hour_ms);
    uses_payg(5);
    give_back(4);
    clock.set_wall(at("2026-08-16T00:00:00Z"));
    CHECK(payg_units("2026-07-15") == 5);
    audited();
}

TEST_CASE_METHOD(Drawn, "overage takes no unit of an open grant that an operator has ended") {
    done({"grant", "end", "lab", "g1"});
    Said one = joined();
    CHECK(sync_lease(one, {counters("render", 2'500, 2, 0)}).resources.at(0).tranches.empty());
    CHECK(card().at("overage_units") == 2);
    CHECK(card().at("charged_units") == 0);
    audited();
}

TEST_CASE_METHOD(Drawn, "units that were given back are not moved once more") {
    hold_free(3);
    uses_payg(5);
    done({"adjust", "lab", "--resource", "render", "--units", "-4", "--reason", "ours"});
    clock.set_wall(at("2026-08-15T12:00:00Z"));
    give_back(3);
    clock.set_wall(at("2026-08-16T00:00:00Z"));
    CHECK(payg_units("2026-07-15") == 0);
    CHECK(stored("charged", 3) == 1);
    CHECK(stored("expired", 3) == 2);
    audited();
}

TEST_CASE_METHOD(Drawn, "a unit that was booked to an earlier tier at once is not moved again") {
    hold_free(4);
    Said one = joined();
    const core::Lease lease = sync_lease(one, {counters("render", 0, 5, 0)});
    give_back(2);  // before the other one's units are heard of: two of them are booked to free at once
    tell(one, {used_up(lease, "render", 3, clock.wall_now())});
    CHECK(payg_units("2026-07-15") == 1);
    clock.set_wall(at("2026-08-15T12:00:00Z"));
    give_back(4);
    clock.set_wall(at("2026-08-16T00:00:00Z"));
    CHECK(payg_units("2026-07-15") == 0);
    CHECK(stored("charged", 3) == 3);
    CHECK(stored("expired", 3) == 1);
    CHECK(database().number("SELECT sum(moved) FROM unit_hour") == 3);
    audited();
}

TEST_CASE_METHOD(Drawn, "tokens that came back take over payg units, as many as they cover") {
    grant({"--tier", "flex", "--tokens", "7", "--ends", "2026-08-10"});
    holder = joined();
    held = sync_lease(holder, {counters("render", 0, 2, 0)});
    uses_payg(5);
    clock.set_wall(at("2026-08-12T00:00:00Z"));
    give_back(2);
    clock.set_wall(at("2026-08-16T00:00:00Z"));
    CHECK(payg_units("2026-07-15") == 3);
    CHECK(database().number("SELECT charged FROM tranche WHERE resource = ''") == 6);
    CHECK(database().number("SELECT expired FROM tranche WHERE resource = ''") == 1);
    audited();
}
