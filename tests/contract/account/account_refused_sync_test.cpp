// Syncs that are refused whole: impossible counters, what is another's, what doesn't exist.
#include "core/limits.hpp"
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
    CHECK(sync_one(2, {counters("nothing", 1'000, 0, 0)}).error().code == core::ErrorCode::invalid);
    CHECK(sync_one(2, {counters("render", 0, 0, 0), counters("render", 0, 0, 0)}).error().code ==
          core::ErrorCode::invalid);
    const auto twice = counters("render", 1'000, 0, 0, {used("t1", 1), used("t1", 1)});
    CHECK(sync_one(2, {twice}).error().code == core::ErrorCode::invalid);
    SyncRequest said = request(one_session, 2, {});
    said.usage.push_back({"nothing", {1}, "", core::Amount{1}});
    CHECK(sync("lab", one, said).error().code == core::ErrorCode::invalid);
    said = request(one_session, 2, {counters("render", 900, 0, 0)});
    said.usage = {{"render", {1}, "a", core::Amount{1}}, {"render", {1}, "a", core::Amount{2}}};
    CHECK(sync("lab", one, said).error().code == core::ErrorCode::invalid);
    CHECK(card().charged_units == Units{0});
}

TEST_CASE_METHOD(Lab, "what a team's agents hold together stays a number that can be counted") {
    done({"resource", "add", "tiny", "--kind", "exhaustible", "--measure", "count", "--unit", "1"});
    const auto all_over = [](std::int64_t units) {
        auto said = counters("tiny", units, 0, 0);
        said.remainder = core::Amount{};
        said.overage_units = Units{units};
        return said;
    };
    const auto says = [this](std::int64_t units) {
        const std::string balance = done({"--json", "balance", "lab"});
        CHECK(balance.find("\"overage_units\":" + std::to_string(units) + ",") != std::string::npos);
        CHECK(audit().ok());
    };
    REQUIRE(sync_one(1, {all_over(core::limits::counter_max - 1)}));
    says(core::limits::counter_max - 1);
    const std::string two = agent("lab");
    const std::string session_of_two = session("lab", two);
    REQUIRE(sync("lab", two, request(session_of_two, 1, {all_over(1)})));
    says(core::limits::counter_max);
    REQUIRE(sync("lab", two, request(session_of_two, 2, {all_over(core::limits::counter_max)})));
    says(core::limits::counter_max);
    CHECK(audit().findings.empty());

    free_grant("lab", "render", 10);  // who says so much goes on with everything else
    auto needs = counters("render", 0, 2, 0);
    const auto leased =
        sync("lab", two, request(session_of_two, 3, {all_over(core::limits::counter_max), needs}));
    REQUIRE(leased);
    CHECK(granted(lease_of(*leased), "render") == 2);

    done({"agent", "revoke", two});
    says(core::limits::counter_max);
    // What its custodian is then charged leaves what is the other's.
    done({"resource", "set", "tiny", "--price", "1", "--currency", "EUR"});
    done({"grant", "add", "lab", "--resource", "tiny", "--tier", "payg"});
    says(core::limits::counter_max - 1);
}

TEST_CASE_METHOD(Lab, "another agent's id or session leaves evidence") {
    const std::string two = agent("lab");
    session("lab", two);
    auto said = request(one_session, 1, {counters("render", 0, 0, 0)});
    CHECK(sync("lab", two, said).error().code == core::ErrorCode::conflict);
    core::wire::HelloRequest as_one;
    as_one.agent = one;
    as_one.nonce = platform::system::random_hex(random);
    const auto refused = in_transaction([&] {
        return account::hello(exchange(), agent_row("lab", two), as_one,
                              platform::system::random_hex(random));
    });
    CHECK(refused.error().code == core::ErrorCode::forbidden);
    const auto evidence = account::list_evidence(database(), "lab");
    REQUIRE(evidence.size() == 2);
    CHECK(evidence[0].agent == two);
    CHECK(evidence[1].agent == two);
    CHECK(audit().findings.size() == 2);
    said.session = "of nobody";  // of a store that was put back, say: no evidence of anything
    CHECK(sync("lab", two, said).error().code == core::ErrorCode::not_found);
    CHECK(account::list_evidence(database(), "lab").size() == 2);
}

TEST_CASE_METHOD(Lab, "units that were metered, and are neither used nor in overage, are refused") {
    free_grant("lab", "render", 10);
    REQUIRE(sync_one(1, {counters("render", 0, 4, 0)}));
    auto too_much = counters("render", 2'000, 0, 0, {used("t1", 2)});
    too_much.overage_units = Units{3};
    CHECK(sync_one(2, {too_much}).error().code == core::ErrorCode::conflict);
    auto too_little = counters("render", 5'000, 0, 0, {used("t1", 2)});
    too_little.overage_units = Units{2};
    CHECK(sync_one(2, {too_little}).error().code == core::ErrorCode::conflict);
    auto used_more = counters("render", 1'000, 0, 0, {used("t1", 2)});
    CHECK(sync_one(2, {used_more}).error().code == core::ErrorCode::conflict);
    auto beyond_all = counters("render", 3'000, 0, 0);
    beyond_all.overage_units = Units{std::int64_t{1} << 61};
    CHECK(sync_one(2, {beyond_all}).error().code == core::ErrorCode::conflict);
    CHECK(audit().findings.size() == 4);
    CHECK(card().charged_units == Units{0});
    CHECK(sync_one(2, {counters("render", 5'400, 0, 0, {used("t1", 2)})}));
}

namespace {

struct UsageLab : Lab {
    core::Result<core::wire::SyncReply> say(std::int64_t number, std::int64_t metered,
                                            std::vector<core::wire::UsageRow> rows) {
        SyncRequest said = request(one_session, number, {counters("render", metered, 0, 0)});
        said.usage = std::move(rows);
        return sync("lab", one, said);
    }
    core::UtcHour this_hour() const { return core::hour_of(clock.wall_now()); }
};

}  // namespace

TEST_CASE_METHOD(UsageLab, "usage by hour of more than was metered is refused") {
    const core::UtcHour hour = this_hour();
    CHECK(say(1, 0, {{"render", hour, "", core::Amount{1}}}).error().code == core::ErrorCode::conflict);
    CHECK(say(1, 900, {{"render", hour, "a", core::Amount{500}}, {"render", hour, "b", core::Amount{401}}})
              .error()
              .code == core::ErrorCode::conflict);
    constexpr core::Amount most{std::int64_t{1} << 61};
    CHECK(say(1, 900, {{"render", hour, "", most}, {"render", {hour.number - 1}, "", most}}).error().code ==
          core::ErrorCode::conflict);
    CHECK(database().number("SELECT sum(times) FROM evidence") == 3);
    CHECK(say(1, 900, {{"render", hour, "a", core::Amount{500}}, {"render", hour, "b", core::Amount{400}}}));
}

TEST_CASE_METHOD(UsageLab, "usage by hour beyond what was metered, split over several syncs, is refused") {
    const core::UtcHour hour = this_hour();
    const core::UtcHour before{hour.number - 1};
    CHECK(say(1, 900, {{"render", before, "", core::Amount{500}}}));
    CHECK(say(2, 900, {{"render", hour, "", core::Amount{401}}}).error().code == core::ErrorCode::conflict);
    CHECK(database().number("SELECT sum(amount) FROM usage") == 500);
    const auto evidence = account::list_evidence(database(), "lab");
    REQUIRE(evidence.size() == 1);
    CHECK(evidence[0].detail.find("901") != std::string::npos);
    CHECK(say(2, 900, {{"render", hour, "", core::Amount{300}}}));
    // What is said again counts once, and what an older message brings late is held against all that was
    // metered.
    CHECK(say(4, 1'500, {{"render", hour, "", core::Amount{700}}}));
    CHECK(say(3, 950, {{"render", before, "", core::Amount{550}}, {"render", hour, "", core::Amount{350}}}));
    CHECK(database().number("SELECT told FROM agent_resource") == 1'250);
    CHECK(say(5, 1'500, {{"render", hour, "b", core::Amount{250}}}));
    CHECK(say(6, 1'500, {{"render", hour, "b", core::Amount{251}}}).error().code ==
          core::ErrorCode::conflict);
}

TEST_CASE_METHOD(UsageLab, "a store that was put back refuses no usage of a mode that it has forgotten") {
    const core::UtcHour hour = this_hour();
    CHECK(say(1, 900, {{"render", hour, "", core::Amount{900}}}));
    const core::wire::UsageRow recorded{"render", {hour.number + 1}, "", core::Amount{400}};  // under `none`
    CHECK(say(2, 900, {recorded}).error().code == core::ErrorCode::conflict);
    database().run("INSERT INTO incident (at, detail) VALUES (?, 'restored from a backup')",
                   clock.wall_now());
    CHECK(say(2, 900, {recorded}));
    CHECK(database().number("SELECT told FROM agent_resource") == 1'300);
}

TEST_CASE_METHOD(UsageLab, "usage without counters that could keep its sum is refused, whatever the mode") {
    done({"resource", "set", "render", "--enforcement", "none"});
    SyncRequest said = request(one_session, 1, {});
    said.usage = {{"render", this_hour(), "", core::Amount{700}}};
    CHECK(sync("lab", one, said).error().code == core::ErrorCode::conflict);
    CHECK(say(1, 0, {{"render", this_hour(), "", core::Amount{700}}}));
    CHECK(account::audit(database(), "lab", clock.wall_now()).ok());
}

TEST_CASE_METHOD(Lab, "units held of what is used up are refused") {
    auto said = counters("render", 0, 0, 0);
    said.held = Units{3};
    CHECK(sync_one(1, {said}).error().code == core::ErrorCode::conflict);
    CHECK(audit().findings.size() == 1);
    CHECK(database().number("SELECT count(*) FROM agent_resource") == 0);
    said.held = Units{0};
    CHECK(sync_one(1, {said}));
}

TEST_CASE_METHOD(UsageLab, "usage that was recorded without being metered is taken within its bound") {
    const core::UtcHour hour = this_hour();
    constexpr core::Amount bound{core::limits::hour_amount_max};
    done({"resource", "set", "render", "--enforcement", "none"});
    CHECK(say(1, 0, {{"render", hour, "", bound}, {"render", {hour.number - 1}, "", bound}}));
    done({"resource", "set", "render", "--enforcement", "hard"});
    CHECK(say(2, 500, {{"render", hour, "a", core::Amount{bound.value() + 500}}}));
    CHECK(say(3, 500, {{"render", hour, "b", core::Amount{std::int64_t{1} << 61}}}).error().code ==
          core::ErrorCode::conflict);
}

TEST_CASE_METHOD(UsageLab, "an hour that is still to come is counted, and shown in the audit") {
    const core::UtcHour hour = this_hour();
    CHECK(say(1, 300, {{"render", {hour.number + 24}, "", core::Amount{300}}}));
    CHECK(audit().findings.empty());
    CHECK(say(2, 900, {{"render", {hour.number + 9'000}, "", core::Amount{600}}}));
    REQUIRE(audit().findings.size() == 1);
    CHECK(audit().findings[0].find("still to come") != std::string::npos);
    CHECK(database().number("SELECT sum(amount) FROM usage") == 900);
    CHECK(done({"agent", "list", "lab"}).find("refused syncs") == std::string::npos);
}

TEST_CASE_METHOD(UsageLab, "control characters of a subject are kept as something that can be shown") {
    const core::UtcHour hour = this_hour();
    CHECK(say(1, 900,
              {{"render", hour, "a\nb", core::Amount{500}}, {"render", hour, "a b", core::Amount{400}}}));
    CHECK(database().number("SELECT amount FROM usage WHERE subject = 'a\\x0ab'") == 500);
    CHECK(database().number("SELECT amount FROM usage WHERE subject = 'a b'") == 400);
}
