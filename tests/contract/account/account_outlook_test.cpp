// What is ahead of a team: used up when, and what ends soon.
#include "tiers_fixture.hpp"

using namespace meterbox;
using namespace meterbox::tests;

namespace {

struct Ahead : Tiers {
    void runs_at(Said& said, std::int64_t rate, const core::Lease& lease, std::int64_t used) {
        auto counters = used_up(lease, "render", used, began);
        counters.rate_per_hour = core::Amount{rate};
        tell(said, {counters});
    }
    const core::UtcTime began = clock.wall_now();
    boost::json::array expiries() { return json({"balance", "lab"}).at("expiries").as_array(); }
};

}  // namespace

TEST_CASE_METHOD(Ahead, "a card says when its units are used up at the rate of all agents together") {
    units("free", "10");
    Said one = joined();
    Said two = joined();
    CHECK(card().at("exhausts_at").is_null());
    const core::Lease lease = sync_lease(one, {counters("render", 0, 4, 0)});
    const core::Lease other = sync_lease(two, {counters("render", 0, 1, 0)});
    runs_at(one, 1'500, lease, 2);
    runs_at(two, 500, other, 0);
    CHECK(card().at("exhausts_at") == "2026-07-20T16:00:00Z");  // 8 units of 1 000 at 2 000 an hour
    runs_at(two, 0, other, 0);
    clock.advance(core::hour_ms);
    runs_at(one, 1'000, lease, 3);
    CHECK(card().at("exhausts_at") == "2026-07-20T20:00:00Z");
    clock.advance(core::day_ms);  // nobody was heard of since: nothing is known of what runs
    CHECK(card().at("exhausts_at").is_null());
}

TEST_CASE_METHOD(Ahead, "what has no end, or is used up, is forecast no end") {
    units("free", "2");
    Said one = joined();
    const core::Lease lease = sync_lease(one, {counters("render", 0, 2, 0)});
    runs_at(one, 1'000, lease, 1);
    CHECK_FALSE(card().at("exhausts_at").is_null());
    runs_at(one, 1'000, lease, 2);
    CHECK(card().at("state") == "exhausted");
    CHECK(card().at("exhausts_at").is_null());
    grant({"--resource", "render", "--tier", "payg"});
    CHECK(card().at("exhausts_at").is_null());
}

TEST_CASE_METHOD(Ahead, "grants that end within 90 days are told, the soonest first, with what is left") {
    units("flex", "10", {"--ends", "2026-10-18T12:00:00Z"});  // in 90 days, to the millisecond
    units("free", "10", {"--ends", "2026-10-18T12:00:01Z"});
    units("free", "5");
    grant({"--tier", "token_flex", "--tokens", "7", "--ends", "2026-08-01"});
    units("free", "3", {"--refresh", "cycle", "--ends", "2026-08-25"});
    grant({"--resource", "render", "--tier", "payg", "--ends", "2026-09-01"});
    Said one = joined();
    const core::Lease lease = sync_lease(one, {counters("render", 0, 2, 0)});
    tell(one, {used_up(lease, "render", 2, clock.wall_now())});

    auto told = expiries();
    REQUIRE(told.size() == 4);
    CHECK(told[0] == boost::json::object{{"grant", "g4"},
                                         {"tier", "token_flex"},
                                         {"resource", nullptr},
                                         {"units", nullptr},
                                         {"tokens", 7},
                                         {"ends_at", "2026-08-01T00:00:00Z"}});
    CHECK(told[1].at("grant") == "g5");
    CHECK(told[1].at("units") == 1);
    CHECK(told[2].at("tier") == "payg");
    CHECK(told[2].at("units").is_null());
    CHECK(told[3].at("grant") == "g1");
    CHECK(told[3].at("units") == 10);
    done({"grant", "end", "lab", "g4"});
    CHECK(expiries().size() == 3);
    clock.advance(1'000);
    CHECK(expiries().size() == 4);
}

TEST_CASE_METHOD(Ahead, "a forecast isn't past the end of what there is, nor past its refresh") {
    units("free", "100", {"--ends", "2026-07-22"});
    Said one = joined();
    const core::Lease lease = sync_lease(one, {counters("render", 0, 4, 0)});
    runs_at(one, 1'000, lease, 0);
    CHECK(card().at("exhausts_at").is_null());  // 100 hours, and it ends in 36
    runs_at(one, 4'000, lease, 0);
    CHECK(card().at("exhausts_at") == "2026-07-21T13:00:00Z");
    units("flex", "48", {"--ends", "2026-08-20"});
    runs_at(one, 1'000, lease, 0);
    CHECK(card().at("exhausts_at") == "2026-07-24T00:00:00Z");  // what ends unused doesn't last
    units("flex", "1", {"--refresh", "cycle", "--anchor", "2026-07-23"});
    CHECK(card().at("exhausts_at").is_null());
    audited();
}
