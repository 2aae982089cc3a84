// The agent's side of renewal: when it asks, what it takes, what it leaves on the disk; over a transport that
// answers as the test says, under a clock that stands still.
#include "agent/renewal.hpp"

#include <deque>

#include "agent/account_refusal.hpp"
#include "core/limits.hpp"
#include "platform/tls/pki.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/fake_timers.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace meterbox;
using namespace meterbox::tests;
namespace tls = platform::tls;

namespace {

const core::UtcTime begin{1'900'000'000'000};  // later than any build of these tests

struct Wire final : platform::Transport {
    explicit Wire(std::deque<std::pair<std::string, Completion>>& calls) : asked(calls) {}
    void exchange(std::string path, std::string body, Completion done) override {
        REQUIRE(path == "/v1/renew");
        asked.emplace_back(std::move(body), std::move(done));
    }
    std::deque<std::pair<std::string, Completion>>& asked;
};

struct Machine {
    Machine()
        : clock(begin),
          timers(clock),
          time(clock, {}),
          files(folder.path()),
          ca_key(*tls::generate_key()),
          ca(*tls::make_ca(ca_key, "test CA", begin + -core::day_ms)) {
        identity.agent = "a-1";
        identity.team = "lab";
        identity.url = "https://localhost";
        identity.key = *files.key();
        identity.key_fingerprint = *tls::key_fingerprint(identity.key);
        identity.ca = ca;
        identity = *agent::with_certificate(identity, certificate(begin, identity.key));
        REQUIRE(files.save(identity));
        renewal.emplace(
            timers, time, files, random, log,
            [this](const agent::Identity&) -> core::Result<std::unique_ptr<platform::Transport>> {
                return std::unique_ptr<platform::Transport>(std::make_unique<Wire>(asked));
            },
            [this](agent::Identity now) { renewed.push_back(std::move(now)); });
    }
    std::string certificate(core::UtcTime from, const std::string& key) {
        tls::CertificateWish wish{
            "a-1", "lab", {}, tls::CertificatePurpose::client, from, from + 90 * core::day_ms};
        return *tls::issue_certificate(ca, ca_key, *tls::make_certificate_request(key, "x"), wish);
    }
    // Time passes; timers fire as they are due.
    void pass(std::int64_t ms) {
        while (ms > 0) {
            const std::int64_t step = std::min(ms, timers.next_in_ms().value_or(ms));
            clock.advance(step);
            ms -= step;
            while (timers.fire_next()) {
            }
        }
    }
    void answer(int status, const std::string& body) {
        REQUIRE_FALSE(asked.empty());
        const auto done = std::move(asked.front().second);
        asked.pop_front();
        done(platform::Answer{status, body});
    }
    void answer_with(const std::string& pem) {
        answer(200, core::wire::to_json(core::wire::RenewReply{pem}));
    }

    TemporaryFolder folder;
    FakeClock clock;
    FakeTimers timers;
    agent::AgentTime time;
    agent::IdentityFiles files;
    SeededRandom random;
    platform::system::Log log{platform::system::LogLevel::error};
    std::string ca_key;
    std::string ca;
    agent::Identity identity;
    std::deque<std::pair<std::string, platform::Transport::Completion>> asked;
    std::vector<agent::Identity> renewed;
    std::optional<agent::Renewal> renewal;
};

}  // namespace

TEST_CASE_METHOD(Machine, "a certificate is renewed when a third of its life is left, and not before") {
    renewal->watch(identity);
    pass(60 * core::day_ms + -core::second_ms);
    CHECK(asked.empty());
    pass(core::limits::certificate_check_ms);
    REQUIRE(asked.size() == 1);
    const std::string next = certificate(clock.wall_now(), identity.key);
    answer_with(next);
    REQUIRE(renewed.size() == 1);
    CHECK(renewed.front().certificate == next);
    CHECK((*files.load())->certificate == next);
    CHECK((*files.load())->agent == "a-1");
    pass(core::day_ms);
    CHECK(asked.empty());
}

TEST_CASE_METHOD(Machine, "a certificate for another key is not taken, and the file stays as it was") {
    clock.advance(70 * core::day_ms);
    renewal->watch(identity);
    answer_with(certificate(clock.wall_now(), *tls::generate_key()));
    CHECK(renewed.empty());
    CHECK((*files.load())->certificate == identity.certificate);
    CHECK_FALSE(renewal->last_error().empty());
}

TEST_CASE_METHOD(Machine,
                 "a renewal that fails is tried again, with longer and longer waits, and without end") {
    clock.advance(70 * core::day_ms);
    renewal->watch(identity);
    for (int i = 0; i < 30; ++i) {
        answer(503, "");
        CHECK_FALSE(renewal->last_error().empty());
        pass(core::limits::renewal_backoff_max_ms + 1);
        REQUIRE(asked.size() == 1);
    }
    answer_with(certificate(clock.wall_now(), identity.key));
    CHECK(renewal->last_error().empty());
    CHECK(renewed.size() == 1);
}

TEST_CASE_METHOD(Machine,
                 "an expired certificate is renewed all the same, and said to be expired meanwhile") {
    clock.advance(120 * core::day_ms);
    renewal->watch(identity);
    CHECK(renewal->expired());
    answer(403, core::wire::refusal_json(
                    {{core::ErrorCode::forbidden, "too late", {}, {}}, core::wire::Standing::expired}));
    CHECK(renewal->last_error() == "the account answered 403: too late");
    pass(core::limits::renewal_backoff_max_ms + 1);
    answer_with(certificate(clock.wall_now(), identity.key));
    CHECK_FALSE(renewal->expired());
}

TEST_CASE_METHOD(
    Machine, "a certificate that is good by the clock here and expired by the account's is renewed at once") {
    renewal->watch(identity);
    pass(core::day_ms);
    REQUIRE(asked.empty());
    renewal->refused_as_expired();
    REQUIRE(asked.size() == 1);
    renewal->refused_as_expired();
    CHECK(asked.size() == 1);
    const std::string next = certificate(begin + 100 * core::day_ms, identity.key);
    answer_with(next);
    REQUIRE(renewed.size() == 1);
    CHECK(renewed.front().certificate == next);
    CHECK((*files.load())->certificate == next);
}

TEST_CASE_METHOD(
    Machine,
    "an account that goes on taking the certificate for expired is asked no more than any failing "
    "one") {
    renewal->watch(identity);
    renewal->refused_as_expired();
    answer(403, core::wire::refusal_json(
                    {{core::ErrorCode::forbidden, "too late", {}, {}}, core::wire::Standing::expired}));
    for (int i = 0; i < 100; ++i) renewal->refused_as_expired();
    CHECK(asked.empty());
    pass(core::limits::renewal_backoff_max_ms + 1);
    answer_with(certificate(begin, identity.key));
    for (int i = 0; i < 100; ++i) renewal->refused_as_expired();
    CHECK(asked.empty());
    CHECK(renewal->last_error().find("just issued") != std::string::npos);
    pass(core::limits::renewal_backoff_max_ms + 1);
    CHECK(asked.size() == 1);
}

TEST_CASE_METHOD(Machine,
                 "a renewal that had no answer is tried again once the account answers, and not in a storm") {
    clock.advance(70 * core::day_ms);
    renewal->watch(identity);
    const auto unanswered = [&] {
        const auto done = std::move(asked.front().second);
        asked.pop_front();
        done(core::Error{core::ErrorCode::unreachable, "Connection refused", {}, {}});
    };
    unanswered();
    renewal->taken();
    CHECK(asked.empty());  // it has just been tried
    pass(core::limits::renewal_sooner_ms);
    renewal->taken();
    REQUIRE(asked.size() == 1);
    unanswered();
    for (int i = 0; i < 100; ++i) renewal->taken();
    for (int i = 0; i < 100; ++i) renewal->refused_as_expired();
    CHECK(asked.empty());
    pass(core::limits::renewal_sooner_ms);
    renewal->refused_as_expired();
    REQUIRE(asked.size() == 1);
    answer_with(certificate(clock.wall_now(), identity.key));
    CHECK(renewal->last_error().empty());
}

TEST_CASE_METHOD(Machine, "a certificate that the account takes after all is no longer said to be refused") {
    renewal->watch(identity);
    renewal->refused_as_expired();
    answer_with(certificate(clock.wall_now(), identity.key));
    renewal->refused_as_expired();
    REQUIRE(renewal->last_error().find("just issued") != std::string::npos);
    renewal->taken();
    CHECK(renewal->last_error().empty());
    pass(core::limits::renewal_backoff_max_ms + 1);
    CHECK(asked.empty());
}

TEST_CASE_METHOD(Machine, "a renewal that the account refused waits, though syncs go well") {
    clock.advance(70 * core::day_ms);
    renewal->watch(identity);
    answer(503, "");
    pass(core::limits::renewal_sooner_ms);
    renewal->taken();
    CHECK(asked.empty());
    CHECK_FALSE(renewal->last_error().empty());
}

TEST_CASE_METHOD(Machine,
                 "a clock set back to 1970 makes no certificate live longer than this program is old") {
    agent::Identity ended = identity;
    ended.life = {{0}, {core::day_ms}};
    clock.set_wall({0});
    renewal->watch(ended);
    CHECK(renewal->expired());
    CHECK(asked.size() == 1);
}

TEST_CASE("an account of other versions is told apart: which of the two is behind") {
    core::wire::HelloReply reply;
    reply.protocol_min = core::wire::protocol_max + 1;
    reply.protocol_max = core::wire::protocol_max + 2;
    CHECK(agent::other_version(reply).detail.find("install a newer meterboxd") != std::string::npos);
    reply.protocol_min = 0;
    reply.protocol_max = 0;
    CHECK(agent::other_version(reply).detail.find("the account has to be upgraded") != std::string::npos);
}
