// Tokens and certificates.
#include "account/lease_keys.hpp"
#include "fixture.hpp"
#include "platform/tls/certificate.hpp"

using namespace meterbox;
using namespace meterbox::tests;

namespace {

struct Lab : AccountFixture {
    Lab() { done({"team", "add", "lab"}); }
    std::string key = *platform::tls::generate_key();
};

}  // namespace

TEST_CASE_METHOD(Lab, "an enrolled agent gets a certificate with its id and team, good for 90 days") {
    const auto reply = enroll(token("lab"), key);
    REQUIRE(reply);
    CHECK(reply->team == "lab");
    const auto info = platform::tls::certificate_info(reply->certificate);
    REQUIRE(info);
    CHECK(info->common_name == reply->agent);
    CHECK(info->organization == "lab");
    CHECK(info->key_fingerprint == *platform::tls::key_fingerprint(key));
    CHECK(info->not_after.ms / 1'000 == (clock.wall_now() + 90 * core::day_ms).ms / 1'000);
    CHECK(platform::tls::split_chain(reply->certificate)->size() == 2);
    CHECK(account::find_agent_by_certificate(database(), info->fingerprint)->id == reply->agent);
    CHECK(reply->lease_keys.size() == 1);
}

TEST_CASE_METHOD(Lab, "the same token with the same key gives the same answer") {
    const std::string text = token("lab");
    const auto first = enroll(text, key);
    const auto second = enroll(text, key);
    REQUIRE(first);
    REQUIRE(second);
    CHECK(first->agent == second->agent);
    CHECK(first->certificate == second->certificate);
    CHECK(account::list_agents(database(), "lab").size() == 1);
}

TEST_CASE_METHOD(Lab, "a used token is refused for another key") {
    const std::string text = token("lab");
    REQUIRE(enroll(text, key));
    CHECK(enroll(text, *platform::tls::generate_key()).error().code == core::ErrorCode::forbidden);
}

TEST_CASE_METHOD(Lab, "a token is good until its end and not at it") {
    const std::string text = token("lab");
    clock.advance(core::hour_ms - 1);
    REQUIRE(enroll(text, key));
    clock.advance(1);
    CHECK(enroll(text, key).error().code == core::ErrorCode::forbidden);
}

TEST_CASE_METHOD(Lab, "an unknown token is refused, and none is kept as it is") {
    const std::string text = token("lab");
    std::string other = text;
    other[10] = other[10] == 'a' ? 'b' : 'a';
    CHECK(enroll(other, key).error().code == core::ErrorCode::forbidden);
    CHECK(database().number("SELECT count(*) FROM enrollment WHERE token_hash = ?", text) == 0);
    CHECK(database().number("SELECT count(*) FROM enrollment") == 1);
}

TEST_CASE_METHOD(Lab, "a token carries the fingerprint of the account's CA") {
    const std::string text = token("lab");
    const auto hash = platform::tls::certificate_fingerprint(store().authority().certificate);
    REQUIRE(hash);
    CHECK(text.starts_with("mbt1."));
    CHECK(text.substr(text.rfind('.') + 1) ==
          platform::tls::base64url_encode(platform::tls::bytes_of(*hash)));
}

TEST_CASE_METHOD(Lab, "a request that isn't one is refused and burns nothing") {
    const std::string text = token("lab");
    const auto reply = in_transaction([&] {
        return account::enroll(store(), {text, "not a request", "one"});
    });
    REQUIRE_FALSE(reply);
    CHECK(reply.error().pointer == "/request");
    CHECK(enroll(text, key));
}

TEST_CASE_METHOD(
    Lab,
    "CA and lease key outlive a restart, and a server's certificate is made anew at a third of its life") {
    const std::string ca = store().authority().certificate;
    account::FilesInMemory files;
    const auto identity = [&] {
        const auto made = account::load_or_make_server_identity(files, store().authority(),
                                                                {"localhost", "127.0.0.1"}, clock.wall_now());
        REQUIRE(made);
        return made->certificate;
    };
    const std::string first = identity();
    clock.advance(59 * core::day_ms);
    reopen();
    CHECK(store().authority().certificate == ca);
    CHECK(identity() == first);
    CHECK(account::lease_keys(database()).size() == 1);
    clock.advance(2 * core::day_ms);
    CHECK(identity() != first);
}

TEST_CASE_METHOD(
    Lab, "a server's certificate that was made while the clock was ahead is made anew once it is right") {
    account::FilesInMemory files;
    const core::UtcTime right = clock.wall_now();
    const auto valid_from = [&] {
        const auto made = account::load_or_make_server_identity(files, store().authority(), {"localhost"},
                                                                clock.wall_now());
        REQUIRE(made);
        return platform::tls::certificate_info(made->certificate)->not_before;
    };
    clock.set_wall(right + 100 * core::day_ms);
    CHECK(valid_from() > right);
    clock.set_wall(right);
    CHECK(valid_from() <= right);
}
