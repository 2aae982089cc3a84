// Certificates after the first: renewed, expired, revoked, lost, and who may still speak.
#include "account/renewal.hpp"
#include "account/server_certificate.hpp"
#include "account/standing.hpp"
#include "core/limits.hpp"
#include "fixture.hpp"
#include "platform/tls/certificate.hpp"

using namespace meterbox;
using namespace meterbox::tests;
using account::Purpose;
using core::wire::Standing;

namespace {

struct Lab : AccountFixture {
    Lab() {
        done({"team", "add", "lab"});
        const auto reply = enroll(token("lab"), key);
        REQUIRE(reply);
        id = reply->agent;
        first = fingerprint(reply->certificate);
    }
    static std::string fingerprint(const std::string& pem) {
        return platform::tls::certificate_info(pem)->fingerprint;
    }
    core::Result<std::string> renewed(const std::string& with_key) {
        const auto request = platform::tls::make_certificate_request(with_key, "again");
        REQUIRE(request);
        const auto reply =
            in_transaction([&] { return account::renew(store(), agent_row("lab", id), {*request}); });
        if (!reply) return reply.error();
        return fingerprint(reply->certificate);
    }
    std::optional<Standing> refused(const std::string& certificate, Purpose purpose = Purpose::exchange) {
        const auto admission = account::admit(database(), certificate, purpose, clock.wall_now());
        const auto* refusal = std::get_if<core::wire::Refusal>(&admission);
        if (!refusal) return std::nullopt;
        CHECK(refusal->error.code == core::ErrorCode::forbidden);
        return refusal->standing;
    }
    void set_state(const std::string& state) {
        database().run("UPDATE agent SET state = ? WHERE id = ?", state, id);
    }
    const std::string key = *platform::tls::generate_key();
    std::string id;
    std::string first;
};

}  // namespace

TEST_CASE_METHOD(Lab, "a renewed certificate is for 90 days more, and the one before stays good to its end") {
    clock.advance(60 * core::day_ms);
    const auto second = renewed(key);
    REQUIRE(second);
    CHECK(*second != first);
    CHECK_FALSE(refused(*second));
    CHECK_FALSE(refused(first));
    clock.advance(30 * core::day_ms + core::second_ms);
    CHECK(refused(first) == Standing::expired);
    CHECK_FALSE(refused(*second));
}

TEST_CASE_METHOD(Lab, "a renewal whose answer was lost is answered with the same certificate") {
    clock.advance(60 * core::day_ms);
    const auto second = renewed(key);
    REQUIRE(second);
    CHECK(*renewed(key) == *second);
    CHECK(database().number("SELECT count(*) FROM older_certificate") == 1);
}

TEST_CASE_METHOD(Lab, "a certificate in its first half is not replaced by another") {
    CHECK(*renewed(key) == first);
}

TEST_CASE_METHOD(Lab, "a renewal keeps the key: a request by another is refused") {
    clock.advance(60 * core::day_ms);
    const auto other = renewed(*platform::tls::generate_key());
    REQUIRE_FALSE(other);
    CHECK(other.error().code == core::ErrorCode::forbidden);
    CHECK(other.error().pointer == "/request");
}

TEST_CASE_METHOD(Lab, "an expired certificate does nothing but renew, and that for 90 days") {
    const core::UtcTime ends = agent_row("lab", id).certificate_expires_at;
    clock.set_wall(ends + (core::second_ms - 1));
    CHECK_FALSE(refused(first));
    clock.set_wall(ends + core::second_ms);
    CHECK(refused(first) == Standing::expired);
    CHECK_FALSE(refused(first, Purpose::renew));
    clock.set_wall(ends + core::limits::certificate_renewal_grace_ms + core::second_ms);
    CHECK(refused(first, Purpose::renew) == Standing::expired);
}

TEST_CASE_METHOD(Lab, "a revoked agent may not renew, by none of its certificates") {
    clock.advance(60 * core::day_ms);
    const auto second = renewed(key);
    set_state("revoked");
    for (const std::string& certificate : {first, *second}) {
        CHECK(refused(certificate) == Standing::revoked);
        CHECK(refused(certificate, Purpose::renew) == Standing::revoked);
    }
}

TEST_CASE_METHOD(Lab, "a fenced agent keeps its certificate alive while it waits for the operator") {
    set_state("fenced");
    CHECK(refused(first) == Standing::fenced);
    CHECK_FALSE(refused(first, Purpose::renew));
}

TEST_CASE_METHOD(Lab, "a certificate that no agent has is told so") {
    CHECK(refused(std::string(64, '0')) == Standing::unknown);
}

TEST_CASE_METHOD(Lab, "an agent that enrolls again with its key stays who it is") {
    clock.advance(200 * core::day_ms);
    CHECK(refused(first, Purpose::renew) == Standing::expired);
    const auto again = enroll(token("lab"), key);
    REQUIRE(again);
    CHECK(again->agent == id);
    CHECK_FALSE(refused(fingerprint(again->certificate)));
    CHECK(account::list_agents(database(), "lab").size() == 1);
}

TEST_CASE_METHOD(Lab, "a key enrolls again in no other team, nor once its agent is revoked or retired") {
    done({"team", "add", "other"});
    CHECK(enroll(token("other"), key).error().code == core::ErrorCode::forbidden);
    for (const char* state : {"revoked", "retired"}) {
        set_state(state);
        CHECK(enroll(token("lab"), key).error().code == core::ErrorCode::forbidden);
    }
}

TEST_CASE_METHOD(Lab, "certificates past their renewal are forgotten with the next one") {
    for (int i = 0; i < 6; ++i) {
        clock.advance(60 * core::day_ms);
        REQUIRE(renewed(key));
    }
    CHECK(database().number("SELECT count(*) FROM older_certificate") <= 4);
}

TEST_CASE_METHOD(Lab, "the server's certificate is another before its end, without a restart") {
    account::FilesInMemory files;
    account::ServerCertificate certificate(files, store().authority(), {"localhost"});
    REQUIRE(certificate.refresh(clock.wall_now()));
    const auto first_context = certificate.for_agents();
    clock.advance(59 * core::day_ms);
    CHECK(*certificate.refresh(clock.wall_now()) == false);
    CHECK(certificate.for_agents() == first_context);
    clock.advance(core::day_ms + core::hour_ms);
    CHECK(*certificate.refresh(clock.wall_now()) == true);
    CHECK(certificate.for_agents() != first_context);
    CHECK(certificate.expires_at() > clock.wall_now() + 89 * core::day_ms);
}

TEST_CASE_METHOD(Lab,
                 "an agent and a certificate that a store has forgotten are known by what its CA signed") {
    const auto shown = [this](const std::string& agent, const std::string& team,
                              const std::string& with_key) {
        return account::ShownCertificate{agent, team, "print of " + agent,
                                         *platform::tls::key_fingerprint(with_key),
                                         clock.wall_now() + core::day_ms};
    };
    const auto take = [this](const account::ShownCertificate& certificate) {
        return in_transaction([&]() -> core::Result<bool> {
                   return account::remember(database(), certificate, clock.wall_now()).has_value();
               })
            .value();
    };
    CHECK(take(shown(id, "lab", key)));  // renewed since
    CHECK_FALSE(refused("print of " + id));
    CHECK_FALSE(agent_row("lab", id).learning);
    CHECK_FALSE(take(shown(id, "lab", key)));
    const std::string other = *platform::tls::generate_key();
    CHECK_FALSE(take({id, "lab", "another", *platform::tls::key_fingerprint(other), clock.wall_now()}));
    CHECK(refused("another") == Standing::unknown);
    CHECK_FALSE(take(shown("a-1", "nobody", other)));

    CHECK(take(shown("a-2", "lab", other)));  // enrolled since: its team learns
    CHECK_FALSE(refused("print of a-2"));
    CHECK(agent_row("lab", "a-2").learning);
    CHECK(agent_row("lab", id).learning);
    set_state("revoked");
    CHECK(refused("print of " + id) == Standing::revoked);
}
