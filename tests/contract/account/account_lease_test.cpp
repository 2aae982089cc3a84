// What a lease says, by whom it is signed, and when there is another one.
#include "account/lease_keys.hpp"
#include "lab.hpp"
#include "platform/tls/jws.hpp"

using namespace meterbox;
using namespace meterbox::tests;
using core::Units;

TEST_CASE_METHOD(Lab, "a lease names the account, the agent, its key and the session it answers") {
    free_grant("lab", "render", 10);
    const auto reply = sync_one(1, {counters("render", 0, 0, 1)});
    REQUIRE(reply);
    const core::Lease lease = lease_of(*reply);
    const account::Agent agent = agent_row("lab", one);
    CHECK(lease.team == "lab");
    CHECK(lease.agent == one);
    CHECK(lease.key_fingerprint == agent.key_fingerprint);
    CHECK(lease.number == 1);
    CHECK(lease.epoch == 1);
    CHECK(lease.issued_at == clock.wall_now());
    CHECK(lease.spend_until == clock.wall_now() + 30 * core::day_ms);
    CHECK(granted(lease, "render") == 1);
    CHECK_FALSE(lease.resources[0].tranches[0].final);
    CHECK(reply->cards.size() == 1);
    CHECK(reply->cards[0].available_units == Units{10});
    CHECK(reply->cards[0].leased_units == Units{1});
}

TEST_CASE_METHOD(Lab, "a lease is signed with the key that hello gives") {
    free_grant("lab", "render", 10);
    const auto reply = in_transaction([&] {
        const account::Exchange real{database(), store().signer(), settings, clock.wall_now()};
        return account::sync(real, agent_row("lab", one),
                             request(one_session, 1, {counters("render", 0, 0, 1)}));
    });
    REQUIRE(reply);
    const auto keys = account::lease_keys(database());
    REQUIRE(keys.size() == 1);
    const std::vector<platform::tls::VerificationKey> known{{keys[0].kid, keys[0].x, keys[0].y}};
    REQUIRE(reply->lease);
    const auto claims = platform::tls::verify_jws(*reply->lease, known);
    REQUIRE(claims);
    CHECK(core::lease_from_json(*claims)->agent == one);
}

TEST_CASE_METHOD(Lab,
                 "a lease doesn't grow with the grants that were used up, and says that there is no more") {
    for (int bought = 0; bought < 50; ++bought) free_grant("lab", "render", 1);
    const auto leased = sync_one(1, {counters("render", 0, 50, 0)});
    REQUIRE(leased);
    std::vector<core::wire::TrancheCounters> used;
    const core::Lease all = lease_of(*leased);
    for (const core::LeaseTranche& tranche : all.resources[0].tranches)
        used.push_back({tranche.tranche, Units{1}, Units{0}, {}});
    REQUIRE(used.size() == 50);
    const auto over = sync_one(2, {counters("render", 50'000, 1, 0, used)});
    REQUIRE(over);
    const auto is_final = [](const core::LeaseTranche& tranche) { return tranche.final; };
    const auto says_no_more = [&](const core::wire::SyncReply& reply, std::size_t named) {
        const core::Lease lease = lease_of(reply);
        CHECK(lease.resources[0].tranches.size() == named);
        CHECK(std::ranges::any_of(lease.resources[0].tranches, is_final));
    };
    says_no_more(*over, 32);

    const std::string two = agent("lab");
    const std::string two_session = session("lab", two);
    const auto none = sync("lab", two, request(two_session, 1, {counters("render", 0, 1, 0)}));
    REQUIRE(none);
    says_no_more(*none, 1);

    free_grant("lab", "render", 5);
    const auto more = sync_one(3, {counters("render", 50'000, 5, 0, used)});
    REQUIRE(more);
    const core::Lease lease = lease_of(*more);
    CHECK(std::ranges::count_if(lease.resources[0].tranches, [](const core::LeaseTranche& tranche) {
              return tranche.granted == Units{5};
          }) == 1);
    check_audit();
}

TEST_CASE_METHOD(Lab, "an agent that used up more than a thousand grants is heard as before") {
    constexpr int grants = 1'100;
    for (int bought = 0; bought < grants; ++bought) free_grant("lab", "render", 1);
    const auto leased = sync_one(1, {counters("render", 0, grants, 0)});
    REQUIRE(leased);
    std::vector<core::wire::TrancheCounters> used;
    const core::Lease lease = lease_of(*leased);
    for (const core::LeaseTranche& tranche : lease.resources[0].tranches)
        used.push_back({tranche.tranche, Units{1}, Units{0}, {}});
    REQUIRE(used.size() == grants);
    const auto all = counters("render", 1'000 * grants, 0, 0, used);
    const auto sent = core::wire::sync_request_from_json(core::wire::to_json(request(one_session, 2, {all})));
    REQUIRE(sent);
    REQUIRE(sync("lab", one, *sent));
    CHECK(card().charged_units == Units{grants});

    core::wire::HelloRequest again;
    again.agent = one;
    again.nonce = platform::system::random_hex(random);
    again.clock.quality = "trusted";
    again.resources = {all};
    const auto heard = core::wire::hello_request_from_json(core::wire::to_json(again));
    REQUIRE(heard);
    CHECK(hello("lab", *heard)->verdict == core::wire::Verdict::ok);
    check_audit();
}

TEST_CASE_METHOD(Lab, "a lease leaves out what was used up first where it would be too long to be read") {
    constexpr int resources = 60;
    constexpr int grants = 32;
    const auto name_of = [](int number) { return "r" + std::to_string(number); };
    free_grant("lab", "render", 2);
    std::vector<core::wire::ResourceCounters> asked{counters("render", 0, 2, 0)};
    for (int i = 0; i < resources; ++i) {
        done(
            {"resource", "add", name_of(i), "--kind", "exhaustible", "--measure", "count", "--unit", "1000"});
        for (int bought = 0; bought < grants; ++bought) free_grant("lab", name_of(i), 1);
        asked.push_back(counters(name_of(i), 0, grants, 0));
    }
    const auto leased = sync_one(1, asked);
    REQUIRE(leased);
    std::vector<core::wire::ResourceCounters> said;
    for (const core::LeaseResource& resource : lease_of(*leased).resources) {
        const bool one_is_left = resource.key == "render";
        std::vector<core::wire::TrancheCounters> used;
        for (const core::LeaseTranche& tranche : resource.tranches)
            used.push_back({tranche.tranche, Units{1}, Units{0}, {}});
        said.push_back(counters(resource.key, one_is_left ? 1'000 : 1'000 * grants, 0, 0, used));
    }
    REQUIRE(said.size() == resources + 1);
    const auto over = sync_one(2, said);
    REQUIRE(over);
    REQUIRE(over->lease);
    CHECK(over->lease->size() <= core::limits::lease_bytes_max * 2 / 3 + 1'000);
    CHECK(over->lease->size() >= core::limits::lease_bytes_max / 2);
    const core::Lease lease = lease_of(*over);
    CHECK(granted(lease, "render") == 2);  // the oldest, but with a unit left
    CHECK(granted(lease, "r0") == 1);      // says that there is no more
    CHECK(granted(lease, name_of(resources - 1)) == grants);
    CHECK_FALSE(sync_one(3, said)->lease);
    check_audit();
}

TEST_CASE_METHOD(Lab, "a lease that says nothing new is neither signed again nor sent") {
    free_grant("lab", "render", 10);
    REQUIRE(sync_one(1, {counters("render", 0, 0, 1)}));
    const auto idle = sync_one(2, {counters("render", 0, 0, 0)});
    REQUIRE(idle);
    CHECK_FALSE(idle->lease);

    clock.advance(10 * core::day_ms);
    CHECK_FALSE(sync_one(3, {counters("render", 0, 0, 0)})->lease);
    clock.advance(1);  // more than a third of its time has passed
    const auto late = sync_one(4, {counters("render", 0, 0, 0)});
    CHECK(lease_of(*late).number == 2);
}

TEST_CASE_METHOD(Lab, "a resource without enforcement has no lease") {
    free_grant("lab", "render", 10);
    store().database().run("UPDATE resource SET enforcement = 'none'");  // no command sets it yet
    const auto reply = sync_one(1, {counters("render", 0, 5, 5)});
    CHECK(lease_of(*reply).resources.empty());
    CHECK(card().leased_units == Units{0});
    CHECK(card().state == core::BalanceState::ok);
}

TEST_CASE_METHOD(Lab, "no more is leased of a resource than its agent can count") {
    free_grant("lab", "render", 10);
    REQUIRE(sync_one(1, {counters("render", 0, 1, 0)}));
    store().database().run("UPDATE holding SET granted = ?, returned = ?", core::limits::counter_max - 2,
                           core::limits::counter_max - 3);
    const auto reply = sync_one(2, {counters("render", 0, 6, 0)});
    CHECK(granted(lease_of(*reply), "render") == core::limits::counter_max);
    done({"grant", "add", "lab", "--resource", "render", "--tier", "payg"});
    const auto open = sync_one(3, {counters("render", 0, 6, 0)});
    REQUIRE(open);
    CHECK(granted(lease_of(*open), "render") == core::limits::counter_max);
}
