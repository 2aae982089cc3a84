// Sync against a real store: leases and their sizes, charging exactly once.
#include "account/catalogue.hpp"
#include "lab.hpp"

using namespace meterbox;
using namespace meterbox::tests;
using core::Units;

TEST_CASE_METHOD(Lab,
                 "two agents ask for the last 5 units: the first gets 5, the second none and a final lease") {
    free_grant("lab", "render", 5);
    const std::string two = agent("lab");
    const std::string two_session = session("lab", two);
    const auto first = sync_one(1, {counters("render", 0, 5, 0)});
    REQUIRE(first);
    CHECK(granted(lease_of(*first), "render") == 5);
    CHECK(lease_of(*first).resources[0].tranches[0].final);

    const auto second = sync("lab", two, request(two_session, 1, {counters("render", 0, 5, 0)}));
    REQUIRE(second);
    const core::Lease lease = lease_of(*second);
    CHECK(granted(lease, "render") == 0);
    REQUIRE(lease.resources[0].tranches.size() == 1);
    CHECK(lease.resources[0].tranches[0].final);
}

TEST_CASE_METHOD(Lab, "half of the pool stays while agents ask for reserve") {
    free_grant("lab", "render", 100);
    auto asked = counters("render", 0, 0, 1);
    asked.rate_per_hour = core::Amount{core::hour_ms};
    const auto first = sync_one(1, {asked});
    REQUIRE(first);
    CHECK(granted(lease_of(*first), "render") == 50);
    const std::string two = agent("lab");
    const auto second = sync("lab", two, request(session("lab", two), 1, {asked}));
    REQUIRE(second);
    CHECK(granted(lease_of(*second), "render") == 12);  // 50 left, two agents
}

TEST_CASE_METHOD(Lab, "what runs and isn't metered yet uses the reserve: half a unit asks for the next") {
    free_grant("lab", "render", 3);
    auto asked = counters("render", 0, 0, 1);
    REQUIRE(sync_one(1, {asked}));
    asked.running = core::Amount{1};
    const auto second = sync_one(2, {asked});
    REQUIRE(second);
    REQUIRE(second->lease);
    CHECK(granted(lease_of(*second), "render") == 2);
}

TEST_CASE_METHOD(
    Lab, "an agent that asks for nothing holds one unit of each resource while there is enough for all") {
    free_grant("lab", "render", 2);
    const auto reply = sync_one(1, {});
    REQUIRE(reply);
    CHECK(granted(lease_of(*reply), "render") == 1);
    const std::string two = agent("lab");
    const auto second = sync("lab", two, request(session("lab", two), 1, {}));
    REQUIRE(second);
    CHECK(granted(lease_of(*second), "render") == 0);  // 1 left, less than two agents' 2N
}

TEST_CASE_METHOD(Lab, "used units are charged once, however often and in whatever order they are reported") {
    free_grant("lab", "render", 10);
    REQUIRE(sync_one(1, {counters("render", 0, 8, 0)}));
    const auto third = counters("render", 3'000, 0, 0, {used("t1", 3)});
    const auto fifth = counters("render", 5'000, 0, 0, {used("t1", 5)});
    REQUIRE(sync_one(3, {fifth}));
    REQUIRE(sync_one(2, {third}));
    REQUIRE(sync_one(3, {fifth}));
    REQUIRE(sync_one(3, {fifth}));
    CHECK(card().charged_units == Units{5});
    CHECK(card().leased_units == Units{3});
    CHECK(database().number("SELECT sum(units) FROM ledger WHERE to_ = 'charged'") == 5);
    CHECK(database().number("SELECT metered FROM agent_resource") == 5'000);
    CHECK(audit().differences == std::vector<std::string>{});
}

TEST_CASE_METHOD(Lab, "a need whose answer was lost is not leased twice, and its lease is told again") {
    free_grant("lab", "render", 10);
    REQUIRE(sync_one(1, {counters("render", 0, 4, 0)}));
    const auto again = sync_one(2, {counters("render", 0, 4, 0)});
    REQUIRE(again);
    CHECK(granted(lease_of(*again), "render") == 4);
    CHECK(lease_of(*again).number == 1);
    const auto repeated = sync_one(2, {counters("render", 0, 4, 0)});
    CHECK(granted(lease_of(*repeated), "render") == 4);
}

TEST_CASE_METHOD(Lab, "open payg is leased up to its exposure and topped up when half of it is used") {
    done({"grant", "add", "lab", "--resource", "render", "--tier", "payg"});
    const core::Lease lease = lease_of(*sync_one(1, {counters("render", 0, 0, 0)}));
    CHECK(granted(lease, "render") == 1'000);
    CHECK(lease.resources[0].tranches[0].payg_open);
    CHECK_FALSE(lease.resources[0].tranches[0].final);
    CHECK_FALSE(sync_one(2, {counters("render", 499'000, 0, 0, {used("t1", 499)})})->lease);
    const auto half = sync_one(3, {counters("render", 500'000, 0, 0, {used("t1", 500)})});
    CHECK(granted(lease_of(*half), "render") == 1'500);
    CHECK(card().state == core::BalanceState::ok);
    CHECK(card().charged_units == Units{500});
    CHECK(audit().ok());
}

TEST_CASE_METHOD(Lab, "open payg covers all that was used at once, and its exposure stays what it is") {
    done({"grant", "add", "lab", "--resource", "render", "--tier", "payg"});
    free_grant("lab", "render", 300);
    const auto over = [](std::vector<core::wire::TrancheCounters> all) {
        auto said = counters("render", 100'000'000, 0, 0, std::move(all));
        said.need = said.overage_units;
        return said;
    };
    const core::Lease lease = lease_of(*sync_one(1, {over({})}));
    const auto& tranches = lease.resources[0].tranches;
    REQUIRE(tranches.size() == 3);
    CHECK(tranches[0].granted == Units{300});
    CHECK(tranches[1].granted == Units{99'700 + 1'000});
    CHECK(tranches[2].granted == Units{1'000});                        // of the next cycle
    CHECK(lease_of(*sync_one(2, {over({})})).number == lease.number);  // the answer was lost
    REQUIRE(sync_one(3, {over({used(tranches[0].tranche, 300), used(tranches[1].tranche, 99'700)})}));
    CHECK(card().charged_units == Units{100'000});
    CHECK(card().leased_units == Units{1'000});
    check_audit();
}

TEST_CASE_METHOD(Lab, "payg with a cap is sold no further than its cap") {
    done({"grant", "add", "lab", "--resource", "render", "--tier", "payg", "--cap", "3"});
    const core::Lease lease = lease_of(*sync_one(1, {counters("render", 0, 5, 0)}));
    CHECK(granted(lease, "render") == 3);
    CHECK(lease.resources[0].tranches[0].payg_capped);
    CHECK(lease.resources[0].tranches[0].final);
}

TEST_CASE_METHOD(
    Lab, "free is leased before payg, and a payg unit is booked to free while free has unleased units") {
    free_grant("lab", "render", 2);
    done({"grant", "add", "lab", "--resource", "render", "--tier", "payg"});
    const core::Lease lease = lease_of(*sync_one(1, {counters("render", 0, 0, 1)}));
    REQUIRE(lease.resources[0].tranches.size() == 3);  // the last of payg's next cycle
    CHECK(lease.resources[0].tranches[0].tranche == "t1");
    CHECK(lease.resources[0].tranches[0].granted == Units{1});
    CHECK(lease.resources[0].tranches[1].granted == Units{1'000});

    REQUIRE(sync_one(2, {counters("render", 3'000, 0, 0, {used("t1", 1), used("t2", 2)})}));
    const core::Card now = card();
    CHECK(now.available_units == Units{0});  // both free units are charged,
    CHECK(now.charged_units == Units{3});    // and one of payg
    CHECK(database().number("SELECT charged FROM tranche WHERE id = 1") == 2);
    CHECK(database().number("SELECT charged FROM tranche WHERE id = 2") == 1);
    CHECK(audit().differences == std::vector<std::string>{});
}

TEST_CASE_METHOD(Lab,
                 "an ended grant gives nothing more: unleased units expire, used ones are charged, the rest "
                 "stays leased") {
    const std::string ends = core::format_rfc3339(clock.wall_now() + core::hour_ms);
    done({"grant", "add", "lab", "--resource", "render", "--tier", "free", "--amount", "10", "--ends", ends});
    REQUIRE(sync_one(1, {counters("render", 0, 4, 0)}));
    clock.advance(core::hour_ms);
    const auto reply = sync_one(2, {counters("render", 1'000, 3, 0, {used("t1", 1)})});
    const core::Lease lease = lease_of(*reply);
    CHECK(lease.resources[0].tranches.empty());
    CHECK(database().number("SELECT expired FROM tranche") == 6);
    CHECK(database().number("SELECT charged FROM tranche") == 1);
    CHECK(database().number("SELECT leased FROM tranche") == 3);
    CHECK(card().state == core::BalanceState::ended);

    auto returned = counters("render", 1'000, 0, 0, {used("t1", 1)});
    returned.tranches[0].returned = Units{3};
    REQUIRE(sync_one(3, {returned}));
    CHECK(database().number("SELECT expired FROM tranche") == 9);
    CHECK(audit().differences == std::vector<std::string>{});
}

TEST_CASE_METHOD(Lab, "a returned unit goes back to the pool") {
    free_grant("lab", "render", 5);
    REQUIRE(sync_one(1, {counters("render", 0, 5, 0)}));
    auto returned = counters("render", 0, 0, 0, {used("t1", 0)});
    returned.tranches[0].returned = Units{3};
    REQUIRE(sync_one(2, {returned}));
    const std::string two = agent("lab");
    const auto second = sync("lab", two, request(session("lab", two), 1, {counters("render", 0, 5, 0)}));
    CHECK(granted(lease_of(*second), "render") == 3);
    CHECK(audit().ok());
}

TEST_CASE_METHOD(Lab, "a grant that hasn't started is neither leased nor on the card") {
    const std::string starts = core::format_rfc3339(clock.wall_now() + core::hour_ms);
    done({"grant", "add", "lab", "--resource", "render", "--tier", "free", "--amount", "10", "--starts",
          starts});
    CHECK(granted(lease_of(*sync_one(1, {counters("render", 0, 5, 0)})), "render") == 0);
    CHECK(card().state == core::BalanceState::ended);
    clock.advance(core::hour_ms);
    CHECK(granted(lease_of(*sync_one(2, {counters("render", 0, 5, 0)})), "render") == 5);
}

TEST_CASE_METHOD(Lab, "the card adds up remainders and overage of all agents") {
    free_grant("lab", "render", 1);
    const std::string two = agent("lab");
    auto over = counters("render", 2'300, 2, 0);
    over.overage_units = Units{2};
    REQUIRE(sync_one(1, {over}));
    REQUIRE(sync("lab", two, request(session("lab", two), 1, {counters("render", 400, 0, 0)})));
    CHECK(card().remainder == core::Amount{700});
    CHECK(card().overage_units == Units{2});
    auto covered = counters("render", 2'300, 1, 0, {used("t1", 1)});
    covered.overage_units = Units{1};
    REQUIRE(sync_one(2, {covered}));
    CHECK(card().overage_units == Units{1});
    CHECK(card().remainder == core::Amount{700});
    CHECK(audit().ok());
}

TEST_CASE_METHOD(Lab, "a changed catalogue comes with the next sync") {
    auto said = request(one_session, 1, {});
    said.catalogue_version = account::load_catalogue(database()).version;
    CHECK_FALSE(sync("lab", one, said)->catalogue);
    done({"resource", "set", "render", "--name", "Rendering"});
    said.request_number = 2;
    const auto reply = sync("lab", one, said);
    REQUIRE(reply->catalogue);
    CHECK(reply->catalogue->front().name == "Rendering");
    CHECK(reply->catalogue_version == said.catalogue_version + 1);
}

TEST_CASE_METHOD(Lab, "an answer acknowledges the journal head it was sent, and never less") {
    auto said = request(one_session, 1, {});
    said.head.sequence = 40;
    CHECK(sync("lab", one, said)->acknowledged.sequence == 40);
    said.request_number = 1;
    said.head.sequence = 30;
    CHECK(sync("lab", one, said)->acknowledged.sequence == 40);
    CHECK(agent_row("lab", one).acknowledged == 40);
}

TEST_CASE_METHOD(Lab, "the store keeps everything over a restart") {
    free_grant("lab", "render", 10);
    const core::Lease before = lease_of(*sync_one(1, {counters("render", 0, 4, 0)}));
    reopen();
    const auto again = sync_one(1, {counters("render", 0, 4, 0)});
    CHECK(lease_of(*again).number == before.number);
    CHECK(card().leased_units == Units{4});
    CHECK(audit().ok());
}
