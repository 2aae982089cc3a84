// Capacity that is checked out and comes back, where an answer or an agent is lost.
#include "account/catalogue.hpp"
#include "account/team_cards.hpp"
#include "lab.hpp"

using namespace meterbox;
using namespace meterbox::tests;
using core::Units;

TEST_CASE_METHOD(Lab, "a lease whose answer was lost is told again to who needs nothing any more") {
    done({"resource", "add", "seats", "--kind", "returnable", "--measure", "count", "--unit", "1"});
    free_grant("lab", "seats", 10);
    const auto said = [this](std::int64_t number, std::int64_t need, std::int64_t lease_number) {
        core::wire::SyncRequest asked =
            request(one_session, number, {counters("render", 0, 0, 0), counters("seats", 0, need, 0)});
        asked.lease_number = lease_number;
        return sync("lab", one, asked);
    };
    REQUIRE(said(1, 0, 0));
    REQUIRE(granted(lease_of(*said(2, 3, 1)), "seats") == 3);  // and isn't heard
    const auto heard = said(3, 0, 1);
    REQUIRE(heard);
    REQUIRE(heard->lease);
    CHECK(granted(lease_of(*heard), "seats") == 3);
    CHECK(lease_of(*heard).number == 2);
    CHECK_FALSE(said(4, 0, 2)->lease);
}

TEST_CASE_METHOD(Lab,
                 "what a lost agent held of a returnable resource is missing once, and to be had again") {
    done({"resource", "add", "seats", "--kind", "returnable", "--measure", "count", "--unit", "1"});
    free_grant("lab", "seats", 20);
    const auto seats = [this] {
        account::Pool pool(database(), "lab");
        const auto all =
            account::team_cards(pool, account::load_catalogue(database()), settings, clock.wall_now());
        return *std::ranges::find(all, "seats", &core::Card::resource);
    };
    auto held = counters("seats", 0, 13, 0);
    REQUIRE(sync_one(1, {counters("render", 0, 0, 0), held}));
    held.need = {};
    held.held = Units{13};
    REQUIRE(sync_one(2, {counters("render", 0, 0, 0), held}));
    CHECK(seats().charged_units == Units{13});
    CHECK(seats().available_units == Units{7});
    const std::string as = GENERATE("hold", "count", "release");
    done({"agent", "write-off", one, "--as", as});
    CHECK(seats().charged_units == Units{0});
    CHECK(seats().available_units == Units{as == "release" ? 20 : 7});
    check_audit();
    SECTION("an operator says so") {
        if (as != "release") done({"agent", "write-off", one, "--as", "release"});
        CHECK(seats().available_units == Units{20});
        const std::string two = agent("lab");
        const auto all = sync("lab", two, request(session("lab", two), 1, {counters("seats", 0, 20, 0)}));
        REQUIRE(all);
        CHECK(granted(lease_of(*all), "seats") == 20);
    }
    SECTION("it is heard of again, and holds them still") {
        if (as == "release") return;
        one_session = session("lab", one);
        held.held = Units{12};
        REQUIRE(sync_one(1, {counters("render", 0, 0, 0), held}));
        CHECK(seats().charged_units == Units{12});
        CHECK(seats().available_units == Units{8});
    }
    check_audit();
}

TEST_CASE_METHOD(Lab, "capacity granted in an answer that was lost comes back after its grant has ended") {
    done({"resource", "add", "seat", "--kind", "returnable", "--measure", "count", "--unit", "1"});
    free_grant("lab", "seat", 5);
    REQUIRE(sync_one(1, {counters("seat", 0, 5, 0)}));  // which the agent never hears of
    clock.advance(core::hour_ms);
    const bool by_hand = GENERATE(true, false);
    if (by_hand) {
        done({"grant", "end", "lab", "g1"});
    } else {
        database().run("UPDATE grant_ SET ends_at = ?", clock.wall_now());
        database().run("UPDATE tranche SET ends_at = ?", clock.wall_now());
    }
    const auto reply = sync_one(2, {counters("seat", 0, 0, 0)});
    REQUIRE(reply->lease);
    const core::Lease lease = lease_of(*reply);
    const auto seat = std::ranges::find(lease.resources, "seat", &core::LeaseResource::key);
    REQUIRE(seat->tranches.size() == 1);
    CHECK(seat->tranches[0].granted == Units{5});
    CHECK(seat->tranches[0].ends_at == seat->tranches[0].valid_from);  // nothing is held of it anew
    auto back = counters("seat", 0, 0, 0, {{"t1", Units{0}, Units{5}, {}}});
    const auto after = sync_one(3, {back});
    CHECK(database().number("SELECT leased FROM tranche") == 0);
    CHECK(database().number("SELECT expired FROM tranche") == 5);
    for (const core::LeaseResource& part : lease_of(*after).resources) CHECK(part.tranches.empty());
    CHECK(audit().ok());
}

TEST_CASE_METHOD(
    Lab, "units that come and go are leased again as often as their total can be counted, and no more") {
    done({"resource", "add", "seats", "--kind", "returnable", "--measure", "count", "--unit", "1"});
    free_grant("lab", "seats", 10);
    REQUIRE(sync_one(1, {counters("seats", 0, 1, 0)}));
    store().database().run("UPDATE holding SET granted = ?, returned = ? WHERE granted = 1",
                           core::limits::counter_max - 2, core::limits::counter_max - 3);
    CHECK(granted(lease_of(*sync_one(2, {counters("seats", 0, 2, 0)})), "seats") ==
          core::limits::counter_max - 1);
    CHECK(granted(lease_of(*sync_one(3, {counters("seats", 0, 4, 0)})), "seats") ==
          core::limits::counter_max - 1);
    CHECK(granted(lease_of(*sync_one(4, {counters("seats", 0, 3, 0)})), "seats") ==
          core::limits::counter_max);
}

TEST_CASE_METHOD(
    Lab, "what all agents hold counts as far as it can be counted, and anew when one of them is lost") {
    done({"resource", "add", "seats", "--kind", "returnable", "--measure", "count", "--unit", "1"});
    free_grant("lab", "seats", 10);
    const auto held_by_all = [this] { return database().number("SELECT held FROM team_resource"); };
    const auto holding = [](std::int64_t units) {
        auto said = counters("seats", 0, 0, 0);
        said.held = said.overage_units = Units{units};
        return said;
    };
    const std::string two = agent("lab");
    REQUIRE(sync_one(1, {holding(3)}));
    REQUIRE(sync("lab", two, request(session("lab", two), 1, {holding(core::limits::counter_max)})));
    CHECK(held_by_all() == core::limits::counter_max);
    REQUIRE(sync_one(2, {holding(4)}));
    CHECK(held_by_all() == core::limits::counter_max);
    done({"agent", "write-off", two, "--as", "release"});
    CHECK(held_by_all() == 4);
    CHECK(database().number("SELECT overage_units FROM team_resource") == 4);
    check_audit();
}
