// Syncs that are refused whole: impossible counters, what is another's, what doesn't exist.
#include "lab.hpp"

using namespace meterbox;
using namespace meterbox::tests;
using core::Units;
using core::wire::SyncRequest;

TEST_CASE_METHOD(Lab, "counters that no honest agent sends are refused whole, and kept as evidence") {
    free_grant("lab", "render", 10);
    REQUIRE(sync_one(1, {counters("render", 0, 4, 0)}));
    REQUIRE(sync_one(2, {counters("render", 2'000, 0, 0, {used("t1", 2)})}));
    const auto refused = [&](core::wire::ResourceCounters said) {
        const auto reply = sync_one(3, {std::move(said)});
        REQUIRE_FALSE(reply);
        return reply.error().code;
    };
    using core::ErrorCode;
    CHECK(refused(counters("render", 5'000, 0, 0, {used("t1", 5)})) == ErrorCode::conflict);  // above G
    CHECK(refused(counters("render", 2'000, 0, 0, {used("t1", 1)})) == ErrorCode::conflict);  // U fell
    CHECK(refused(counters("render", 1'999, 0, 0)) == ErrorCode::conflict);                   // M fell
    CHECK(refused(counters("render", 9'000, 0, 0, {used("t2", 1)})) ==
          ErrorCode::conflict);  // no such tranche
    auto wrong_remainder = counters("render", 2'500, 0, 0);
    wrong_remainder.remainder = core::Amount{400};
    CHECK(refused(wrong_remainder) == ErrorCode::conflict);
    auto too_many_hours = counters("render", 3'000, 0, 0, {used("t1", 3)});
    too_many_hours.tranches[0].hours.push_back({{472'223}, Units{1}});
    CHECK(refused(too_many_hours) == ErrorCode::conflict);
    auto returned = counters("render", 2'000, 0, 0, {used("t1", 2)});
    returned.tranches[0].returned = Units{3};
    CHECK(refused(returned) == ErrorCode::conflict);

    CHECK(card().charged_units == Units{2});
    CHECK(audit().ok());
    CHECK(audit().findings.size() == 7);
    const std::string list = done({"agent", "list", "lab"});
    CHECK(list.find("refused syncs") != std::string::npos);
    REQUIRE(sync_one(4, {counters("render", 3'000, 0, 0, {used("t1", 3)})}));
}

TEST_CASE_METHOD(Lab, "another agent's and another team's tranches can't be touched") {
    free_grant("lab", "render", 10);
    REQUIRE(sync_one(1, {counters("render", 0, 4, 0)}));
    const std::string two = agent("lab");
    const auto same_team =
        sync("lab", two, request(session("lab", two), 1, {counters("render", 1'000, 0, 0, {used("t1", 1)})}));
    CHECK(same_team.error().code == core::ErrorCode::conflict);
    done({"team", "add", "other"});
    const std::string three = agent("other");
    const auto other_team =
        sync("other", three,
             request(session("other", three), 1, {counters("render", 1'000, 0, 0, {used("t1", 1)})}));
    CHECK(other_team.error().code == core::ErrorCode::conflict);
    CHECK(card().charged_units == Units{0});
}

TEST_CASE_METHOD(Lab, "what doesn't exist or stands twice in a message is invalid") {
    free_grant("lab", "render", 10);
    REQUIRE(sync_one(1, {counters("render", 0, 4, 0)}));
    CHECK(sync_one(2, {counters("nothing", 0, 0, 0)}).error().code == core::ErrorCode::invalid);
    CHECK(sync_one(2, {counters("render", 0, 0, 0), counters("render", 0, 0, 0)}).error().code ==
          core::ErrorCode::invalid);
    const auto twice = counters("render", 1'000, 0, 0, {used("t1", 1), used("t1", 1)});
    CHECK(sync_one(2, {twice}).error().code == core::ErrorCode::invalid);
    SyncRequest said = request(one_session, 2, {});
    said.usage.push_back({"nothing", {1}, "", core::Amount{1}});
    CHECK(sync("lab", one, said).error().code == core::ErrorCode::invalid);
    CHECK(card().charged_units == Units{0});
}
