// Rolling the key that signs leases: who signs from when on, and what agents are shown.
#include "account/lease_keys.hpp"
#include "core/lease_keys.hpp"
#include "core/limits.hpp"
#include "fixture.hpp"
#include "platform/tls/jws.hpp"

using namespace meterbox;
using namespace meterbox::tests;

namespace {

core::Result<std::string> check(std::string_view text, const core::wire::LeaseKey& key) {
    const platform::tls::VerificationKey known{key.kid, key.x, key.y};
    return platform::tls::verify_jws(text, {&known, 1});
}

struct Lab : AccountFixture {
    Lab() {
        team_with("lab", "render");
        free_grant("lab", "render", 100);
        id = agent("lab");
        at_enrollment = core::begin_line(account::lease_keys(database()));
    }
    std::string roll() {
        std::string kid = done({"lease-key", "roll"});
        kid.pop_back();
        return kid;
    }
    core::FollowedLine followed() {
        return core::follow_line(at_enrollment, account::lease_keys(database()), check, clock.wall_now());
    }
    // Signed as the service signs.
    core::Result<core::wire::SyncReply> signed_sync(const std::string& session, std::int64_t number) {
        core::wire::SyncRequest request;
        request.session = session;
        request.request_number = number;
        request.resources = {counters("render", 0, number, 0)};
        return in_transaction([&] {
            const account::Exchange real{database(), store().signer(), settings, clock.wall_now()};
            return account::sync(real, agent_row("lab", id), request);
        });
    }
    std::string id;
    core::LeaseKeyLine at_enrollment;
};

}  // namespace

TEST_CASE_METHOD(Lab, "after a roll the new key signs, and the old one vouches for it") {
    const std::string kid = roll();
    const auto line = followed();
    CHECK(line.newest_known);
    CHECK(line.line.back().key.kid == kid);
    CHECK(line.line.size() == 2);
    const auto reply = signed_sync(session("lab", id), 1);
    REQUIRE(reply);
    REQUIRE(reply->lease);
    CHECK(check(*reply->lease, line.line.back().key));
    CHECK_FALSE(check(*reply->lease, line.line.front().key));
}

TEST_CASE_METHOD(Lab,
                 "an agent that missed several rolls follows the line, also after a restart of the account") {
    for (int i = 0; i < 3; ++i) {
        roll();
        clock.advance(40 * core::day_ms);
        reopen();
    }
    const std::string last = roll();
    const auto line = followed();
    CHECK(line.newest_known);
    CHECK(line.line.back().key.kid == last);
    CHECK(line.line.size() == 2);  // the others' overlap is over
    const auto reply = signed_sync(session("lab", id), 1);
    REQUIRE(reply);
    CHECK(check(*reply->lease, line.line.back().key));
}

TEST_CASE_METHOD(Lab,
                 "a roll ends every session, so that nobody is given a lease by a key it hasn't heard of") {
    const std::string before = session("lab", id);
    REQUIRE(signed_sync(before, 1));
    roll();
    const auto refused = signed_sync(before, 2);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == core::ErrorCode::not_found);
}

TEST_CASE_METHOD(Lab, "a roll that was not committed has not happened") {
    const auto kept = account::lease_keys(database());
    REQUIRE(store().connection().begin());
    REQUIRE(store().lease_keys().next(clock.wall_now()));
    store().connection().rollback();
    CHECK(account::lease_keys(database()) == kept);
    const auto reply = signed_sync(session("lab", id), 1);
    REQUIRE(reply);
    CHECK(check(*reply->lease, at_enrollment.back().key));
    reopen();
    CHECK(account::lease_keys(database()) == kept);
}

TEST_CASE_METHOD(Lab, "whoever enrolls after a roll is told the newest key and no other") {
    const std::string kid = roll();
    const auto reply = enroll(token("lab"), *platform::tls::generate_key());
    REQUIRE(reply);
    REQUIRE(reply->lease_keys.size() == 1);
    CHECK(reply->lease_keys.front().kid == kid);
}

TEST_CASE_METHOD(Lab, "more rolls than a message holds leave the newest ones shown") {
    for (std::size_t i = 0; i < core::limits::message_lease_keys_max + 2; ++i) roll();
    CHECK(account::lease_keys(database()).size() == core::limits::message_lease_keys_max);
    CHECK_FALSE(followed().newest_known);
    CHECK(done({"lease-key", "list"}).find("(signs)") != std::string::npos);
}

TEST_CASE_METHOD(Lab, "a key file that is gone is named, and nothing is signed by another", "[folder]") {
    const std::string kid = roll();
    reopen();
    std::filesystem::remove(store().folder() / ("lease-" + kid + ".key"));
    const auto reply = signed_sync(session("lab", id), 1);
    REQUIRE_FALSE(reply);
    CHECK(reply.error().detail.find("lease-" + kid + ".key") != std::string::npos);
}
