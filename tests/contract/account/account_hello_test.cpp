// Hello: sessions, whom it is refused, and what it books.
#include "account/usage_report.hpp"
#include "account/usage_roll_up.hpp"
#include "core/account_limits.hpp"
#include "lab.hpp"
#include "platform/sql/connection_transactions.hpp"

using namespace meterbox;
using namespace meterbox::tests;
using core::Units;

TEST_CASE_METHOD(Lab, "a new session gets a lease of its own, and the old one's syncs are refused") {
    free_grant("lab", "render", 10);
    const core::Lease old = lease_of(*sync_one(1, {counters("render", 0, 0, 1)}));
    const std::string next = session("lab", one);
    CHECK(sync_one(2, {counters("render", 0, 0, 0)}).error().code == core::ErrorCode::not_found);
    const auto reply = sync("lab", one, request(next, 1, {counters("render", 0, 0, 0)}));
    const core::Lease lease = lease_of(*reply);
    CHECK(lease.number == 2);
    CHECK(lease.session_nonce != old.session_nonce);
    CHECK(granted(lease, "render") == granted(old, "render"));
}

TEST_CASE_METHOD(Lab, "a repeated hello gives the same session") {
    core::wire::HelloRequest said;
    said.agent = one;
    said.nonce = "00112233445566778899aabbccddeeff";
    const auto first = hello("lab", said);
    const auto second = hello("lab", said);
    REQUIRE(first);
    REQUIRE(second);
    CHECK(first->session == second->session);
    CHECK(first->verdict == core::wire::Verdict::ok);
    CHECK(first->catalogue.size() == 1);
}

TEST_CASE_METHOD(Lab,
                 "an incarnation far ahead of what is known is refused, and one ahead costs what there is") {
    core::wire::HelloRequest said;
    said.agent = one;
    said.nonce = "00112233445566778899aabbccddeeff";
    said.incarnation = core::limits::incarnations_ahead_max + 2;
    const auto beyond = hello("lab", said);
    REQUIRE_FALSE(beyond);
    CHECK(beyond.error().code == core::ErrorCode::conflict);
    CHECK(audit().findings.size() == 1);
    CHECK(agent_row("lab", one).incarnation == 1);

    --said.incarnation;
    REQUIRE(hello("lab", said));
    const std::int64_t now_in = agent_row("lab", one).incarnation;
    CHECK(now_in == core::limits::incarnations_ahead_max + 2);
    // Reports and retention look at the incarnations that there were, and not at all the numbers.
    platform::sql::ConnectionTransactions transactions(store().connection());
    account::UsageRollUp roll_up(database(), transactions, clock.wall_now(), core::day_ms);
    int looks = 0;
    while (roll_up.work([] { return true; }).value()) REQUIRE(++looks < 10);
    account::UsageReport report({"lab", {0}, clock.wall_now(), account::Period::month, "", ""},
                                clock.wall_now());
    while (report.add_up(database(), [] { return true; })) REQUIRE(++looks < 20);
}

TEST_CASE_METHOD(Lab, "hello is refused for another agent's id") {
    core::wire::HelloRequest said;
    said.agent = one;
    said.nonce = "00112233445566778899aabbccddeeff";
    const std::string two = agent("lab");
    const auto other = in_transaction(
        [&] { return account::hello(exchange(), agent_row("lab", two), said, "new-session"); });
    CHECK(other.error().code == core::ErrorCode::forbidden);
}

TEST_CASE_METHOD(Lab, "a hello of a protocol that is too new is told to upgrade") {
    core::wire::HelloRequest said;
    said.agent = one;
    said.protocol_min = 2;
    said.protocol_max = 3;
    said.nonce = "00112233445566778899aabbccddeeff";
    CHECK(hello("lab", said)->verdict == core::wire::Verdict::upgrade);
}

TEST_CASE_METHOD(Lab, "hello books units by the hours in which they were completed, as sync does") {
    done({"grant", "add", "lab", "--resource", "render", "--tier", "payg"});
    REQUIRE(sync_one(1, {counters("render", 0, 3, 0)}));
    clock.advance(2 * core::hour_ms);
    free_grant("lab", "render", 10);
    clock.advance(core::hour_ms);
    core::wire::HelloRequest said;
    said.agent = one;
    said.nonce = "00112233445566778899aabbccddeeff";
    const std::int64_t hour = core::hour_of(clock.wall_now()).number;
    said.resources = {counters("render", 3'000, 0, 0, {used("t1", 3, hour)})};
    clock.advance(core::hour_ms);
    REQUIRE(hello("lab", said));
    REQUIRE(card().tiers.size() == 2);
    CHECK(card().tiers[0].tier == core::Tier::free);
    CHECK(card().tiers[0].available_units == Units{7});
    CHECK(audit().ok());
}
