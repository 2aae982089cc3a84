// Leases: which one an agent takes, and the claims' JSON, both ways and against its limits.
#include "core/lease.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "tests/support/catch.hpp"
#include "tests/unit/core_parsing/contains.hpp"
#include "tests/unit/core_parsing/json_edit.hpp"
#include "tests/unit/core_parsing/samples.hpp"

using namespace meterbox::core;
using meterbox::tests::contains;
using meterbox::tests::edited;
using meterbox::tests::Samples;

namespace {

Lease small_lease() {
    Lease lease;
    lease.account = "account-1";
    lease.team = "blue";
    lease.agent = "agent-1";
    lease.key_fingerprint = "f";
    lease.session_nonce = "n";
    lease.number = 3;
    lease.spend_until = {hour_ms};
    lease.resources = {
        {"render",
         Amount{1000},
         Enforcement::hard,
         {{"t1", Tier::free, Units{5}, {0}, UtcTime{10}}, {"t2", Tier::payg, Units{7}, {0}, {}}}}};
    lease.cycle_boundaries = {{1}, {2}, {3}};
    lease.policy = {1000, 20};
    return lease;
}
LeaseExpectation expectation() {
    return {"agent-1", 1, 1, "n", 2};
}

// What is said of the lease with one member replaced.
std::string pointer_of(const char* pointer, meterbox::tests::Json value) {
    const Result<Lease> lease = lease_from_json(edited(lease_to_json(small_lease()), pointer, value));
    if (lease) return "taken";
    CHECK(lease.error().code == ErrorCode::malformed);
    return lease.error().pointer;
}

}  // namespace

TEST_CASE("a lease that fits and is newer is taken") {
    CHECK(admit(small_lease(), expectation()));
}

TEST_CASE("a lease of another agent, incarnation, epoch or session is refused by name") {
    const auto refused = [](void (*change)(Lease&)) {
        Lease lease = small_lease();
        change(lease);
        const Result<void> result = admit(lease, expectation());
        REQUIRE_FALSE(result);
        CHECK(result.error().code == ErrorCode::forbidden);
        return result.error().detail;
    };
    CHECK(contains(refused([](Lease& lease) { lease.agent = "agent-2"; }), "agent"));
    CHECK(contains(refused([](Lease& lease) { lease.incarnation = 2; }), "incarnation"));
    CHECK(contains(refused([](Lease& lease) { lease.epoch = 2; }), "epoch"));
    CHECK(contains(refused([](Lease& lease) { lease.session_nonce = "m"; }), "session_nonce"));
}

TEST_CASE("a lease that isn't newer is a conflict: old, and harmless") {
    Lease lease = small_lease();
    lease.number = 2;
    CHECK(admit(lease, expectation()).error().code == ErrorCode::conflict);
    lease.number = 1;
    CHECK(admit(lease, expectation()).error().code == ErrorCode::conflict);
}

TEST_CASE("a misfit goes before an old number") {
    Lease lease = small_lease();
    lease.number = 1;
    lease.agent = "agent-2";
    CHECK(admit(lease, expectation()).error().code == ErrorCode::forbidden);
}

TEST_CASE("each lease comes back from its claims") {
    Samples samples{6};
    for (int i = 0; i < 1'000; ++i) {
        const Lease lease = samples.lease();
        const Result<Lease> back = lease_from_json(lease_to_json(lease));
        REQUIRE(back);
        REQUIRE(*back == lease);
    }
}

TEST_CASE("the claims have the names of the protocol") {
    const auto claims = boost::json::parse(lease_to_json(small_lease()));
    CHECK(
        boost::json::serialize(claims.at("resources").at(0)) ==
        R"({"key":"render","unit_size":1000,"enforcement":"hard","tranches":[)"
        R"({"tranche":"t1","tier":"free","G":5,"valid_from":"1970-01-01T00:00:00Z","ends_at":"1970-01-01T00:00:00.010Z","flags":[]},)"
        R"({"tranche":"t2","tier":"payg","G":7,"valid_from":"1970-01-01T00:00:00Z","ends_at":null,"flags":[]}]})");
    CHECK(boost::json::serialize(claims.at("policy")) == R"({"offline_horizon_ms":1000,"low_percent":20})");
}

TEST_CASE("the flags are final, payg-capped and payg-open, and others are ignored") {
    const auto flags_of = [](boost::json::array flags) {
        return lease_from_json(edited(lease_to_json(small_lease()), "/resources/0/tranches/1/flags", flags))
            ->resources[0]
            .tranches[1];
    };
    CHECK(flags_of({"final"}).final);
    CHECK(flags_of({"payg-capped"}).payg_capped);
    CHECK(flags_of({"payg-open"}).payg_open);
    const LeaseTranche both = flags_of({"final", "payg-open", "later-invention"});
    CHECK((both.final && both.payg_open && !both.payg_capped));
    CHECK(pointer_of("/resources/0/tranches/1/flags", {1}) == "/resources/0/tranches/1/flags");
    CHECK(pointer_of("/resources/0/tranches/1/flags", {"payg-open", "payg-capped"}) ==
          "/resources/0/tranches/1/flags");
    CHECK(pointer_of("/resources/0/tranches/0/flags", {"payg-open"}) == "/resources/0/tranches/0/flags");
}

TEST_CASE("a claim that is missing, ill-typed or out of range is refused with its pointer") {
    const char* members[] = {"/account",
                             "/epoch",
                             "/team",
                             "/agent",
                             "/key_fingerprint",
                             "/incarnation",
                             "/session_nonce",
                             "/number",
                             "/issued_at",
                             "/spend_until",
                             "/resources",
                             "/cycle_boundaries",
                             "/resources/0/key",
                             "/resources/0/unit_size",
                             "/resources/0/enforcement",
                             "/resources/0/tranches",
                             "/resources/0/tranches/0/tranche",
                             "/resources/0/tranches/0/tier",
                             "/resources/0/tranches/0/G",
                             "/resources/0/tranches/0/valid_from",
                             "/resources/0/tranches/0/flags",
                             "/policy/offline_horizon_ms",
                             "/policy/low_percent"};
    for (const char* member : members) {
        INFO(member);
        CHECK(pointer_of(member, nullptr) == member);
        CHECK(pointer_of(member, "") == member);
        CHECK(pointer_of(member, -1) == member);
        CHECK(pointer_of(member, 1.5) == member);
        CHECK(pointer_of(member, true) == member);
        CHECK_FALSE(lease_from_json(meterbox::tests::without(lease_to_json(small_lease()), member)));
    }
    CHECK(pointer_of("/policy", 1) == "/policy");
    CHECK(pointer_of("/resources/0", 1) == "/resources/0");
    CHECK(pointer_of("/resources/0/tranches/0/ends_at", 1) == "/resources/0/tranches/0/ends_at");
}

TEST_CASE("ranges of a lease, from both sides") {
    CHECK(pointer_of("/resources/0/unit_size", 0) == "/resources/0/unit_size");
    CHECK(pointer_of("/resources/0/unit_size", 1) == "taken");
    CHECK(pointer_of("/resources/0/unit_size", limits::unit_size_max) == "taken");
    CHECK(pointer_of("/resources/0/unit_size", limits::unit_size_max + 1) == "/resources/0/unit_size");
    CHECK(pointer_of("/resources/0/tranches/0/G", 0) == "taken");
    CHECK(pointer_of("/resources/0/tranches/0/G", limits::counter_max) == "taken");
    CHECK(pointer_of("/resources/0/tranches/0/G", limits::counter_max + 1) == "/resources/0/tranches/0/G");
    CHECK(pointer_of("/epoch", 0) == "/epoch");
    CHECK(pointer_of("/incarnation", 0) == "/incarnation");
    CHECK(pointer_of("/number", 0) == "/number");
    CHECK(pointer_of("/policy/low_percent", 0) == "taken");
    CHECK(pointer_of("/policy/low_percent", 100) == "taken");
    CHECK(pointer_of("/policy/low_percent", 101) == "/policy/low_percent");
    CHECK(pointer_of("/agent", std::string(limits::message_id_bytes_max, 'a')) == "taken");
    CHECK(pointer_of("/agent", std::string(limits::message_id_bytes_max + 1, 'a')) == "/agent");
    CHECK(pointer_of("/number", std::uint64_t{1} << 63) == "/number");
}

TEST_CASE("what a lease grants of a resource can be added up") {
    Lease lease = small_lease();
    lease.resources[0].tranches = {{"t1", Tier::free, Units{limits::counter_max}, {0}, {}},
                                   {"t2", Tier::free, Units{limits::counter_max}, {0}, {}}};
    CHECK(lease_from_json(lease_to_json(lease)));
    lease.resources[0].tranches.push_back({"t3", Tier::free, Units{1}, {0}, {}});
    CHECK(lease_from_json(lease_to_json(lease)).error().pointer == "/resources/0/tranches");
    lease.resources[0].tranches.back().granted = Units{limits::counter_max};
    CHECK(lease_from_json(lease_to_json(lease)).error().pointer == "/resources/0/tranches");
}

TEST_CASE("a tranche may end when it begins, never before") {
    const char* ends_at = "/resources/0/tranches/0/ends_at";
    CHECK(pointer_of(ends_at, "1970-01-01T00:00:00Z") == "taken");
    CHECK(pointer_of(ends_at, "1969-12-31T23:59:59.999Z") == ends_at);
    CHECK(pointer_of(ends_at, nullptr) == "taken");
}

TEST_CASE("a lease can't be spent until before it was issued") {
    CHECK(pointer_of("/spend_until", "1970-01-01T00:00:00Z") == "taken");
    CHECK(pointer_of("/spend_until", "1969-12-31T23:59:59.999Z") == "/spend_until");
}

TEST_CASE("cycle boundaries rise and are at most three") {
    const char* boundaries = "/cycle_boundaries";
    const char* t = "2026-01-01T00:00:00Z";
    const char* u = "2026-02-01T00:00:00Z";
    CHECK(pointer_of(boundaries, boost::json::array{}) == "taken");
    CHECK(pointer_of(boundaries, {t, u}) == "taken");
    CHECK(pointer_of(boundaries, {u, t}) == boundaries);
    CHECK(pointer_of(boundaries, {t, t}) == boundaries);
    CHECK(pointer_of(boundaries, {t, u, "2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z"}) == boundaries);
    CHECK(pointer_of(boundaries, {t, 5}) == boundaries);
}

TEST_CASE("a resource or tranche named twice is refused") {
    CHECK(pointer_of("/resources/0/tranches/1/tranche", "t1") == "/resources/0/tranches");
    Lease lease = small_lease();
    lease.resources.push_back(lease.resources[0]);
    CHECK(lease_from_json(lease_to_json(lease)).error().pointer == "/resources");
}

TEST_CASE("as many tranches and resources as the limits allow, and not one more") {
    Lease lease = small_lease();
    auto& tranches = lease.resources[0].tranches;
    const auto name_up_to = [&](std::size_t most) {
        while (tranches.size() < most)
            tranches.push_back({std::to_string(tranches.size()), Tier::free, Units{1}, {0}, {}});
    };
    name_up_to(2'500);
    CHECK(lease_from_json(lease_to_json(lease)));
    name_up_to(limits::message_tranches_max);  // fewer fit into a lease than into a message
    CHECK(lease_from_json(lease_to_json(lease)).error().code == ErrorCode::too_large);

    lease = small_lease();
    while (lease.resources.size() < limits::message_resources_max) {
        lease.resources.push_back(
            {"r" + std::to_string(lease.resources.size()), Amount{1}, Enforcement::hard, {}});
    }
    CHECK(lease_from_json(lease_to_json(lease)));
    lease.resources.push_back({"one-more", Amount{1}, Enforcement::hard, {}});
    CHECK(lease_from_json(lease_to_json(lease)).error().pointer == "/resources");
}

TEST_CASE("a lease over its size is too large, unread") {
    std::string text = lease_to_json(small_lease());
    text.append(limits::lease_bytes_max - text.size(), ' ');
    CHECK(lease_from_json(text));
    CHECK(lease_from_json(text + ' ').error().code == ErrorCode::too_large);
}

TEST_CASE("unknown members of a lease are ignored, duplicate ones are malformed") {
    CHECK(pointer_of("/later", "invention") == "taken");
    std::string text = lease_to_json(small_lease());
    text.insert(1, "\"number\":9,");
    CHECK(lease_from_json(text).error().code == ErrorCode::malformed);
}
