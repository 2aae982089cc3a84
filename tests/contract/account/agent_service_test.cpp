// The account's port for agents over real TLS, on one loop with its client: what was true of a certificate
// when the connection was made counts for nothing at the next request.
#include "account/agent_service.hpp"

#include "account/server_certificate.hpp"
#include "core/wire_standing.hpp"
#include "fixture.hpp"
#include "platform/http/tls_server.hpp"
#include "platform/https/https_client.hpp"
#include "platform/sql/connection_transactions.hpp"
#include "platform/store/store_thread.hpp"
#include "tests/support/tls_loopback.hpp"

using namespace meterbox;
using namespace meterbox::tests;
using core::wire::Standing;
namespace https = platform::https;

namespace {

constexpr std::int64_t timeout_ms = 20'000;

struct Served : AccountFixture {
    Served() {
        clock.set_wall(wall_clock());  // TLS judges by it
        reopen();
        done({"team", "add", "lab"});
        const auto reply = enroll(token("lab"), key);
        REQUIRE(reply);
        agent = reply->agent;
        certificate = reply->certificate;
        server_certificate.emplace(files, store().authority(),
                                   std::vector<std::string>{"localhost", "127.0.0.1"});
        REQUIRE(server_certificate->refresh(clock.wall_now()));
        transactions.emplace(store().connection());
        thread.emplace(loop.io, *transactions, platform::store::Placement::in_place);
        jobs.emplace(*thread, store(), [](const core::Error&) { FAIL("the store is lost"); });
        service.emplace(*jobs, log, refusals);
        server.emplace(loop.io, *service);
        REQUIRE(platform::http::listen_tls(*server, "127.0.0.1", 0,
                                           [this] { return server_certificate->for_agents(); }));
        client.emplace(loop.io, https::Endpoint{"127.0.0.1", server->port(), ""}, context(certificate));
    }
    ~Served() {
        client.reset();
        server->stop();
        thread.reset();
    }
    ContextPointer context(const std::string& pem) {
        ClientOptions options;
        options.trusted_pem = store().authority().certificate;
        options.certificate_pem = pem;
        options.key_pem = key;
        return TlsContext::client(options).value();
    }
    https::Response ask(const std::string& path, const std::string& body) {
        std::optional<core::Result<https::Response>> answer;
        https::Request request;
        request.target = path;
        request.body = body;
        client->async_exchange(request, timeout_ms,
                               [&](core::Result<https::Response> result) { answer = std::move(result); });
        loop.until([&] { return answer.has_value(); });
        REQUIRE(*answer);
        return **answer;
    }
    https::Response hello() {
        core::wire::HelloRequest request;
        request.agent = agent;
        request.nonce = platform::system::random_hex(random);
        request.clock.quality = "unset";
        return ask("/v1/hello", core::wire::to_json(request));
    }
    https::Response renew() {
        const auto request = platform::tls::make_certificate_request(key, "again");
        return ask("/v1/renew", core::wire::to_json(core::wire::RenewRequest{*request}));
    }
    // A certificate of this agent's with another life, as the account would have issued it then.
    std::string certificate_of(core::UtcTime from, core::UtcTime to) {
        const platform::tls::CertificateWish wish{agent, "lab", {}, platform::tls::CertificatePurpose::client,
                                                  from,  to};
        const std::string pem =
            *platform::tls::issue_certificate(store().authority().certificate, store().authority().key,
                                              *platform::tls::make_certificate_request(key, "x"), wish);
        const auto info = platform::tls::certificate_info(pem);
        database().run(
            "UPDATE agent SET certificate_fingerprint = ?, certificate = ?, certificate_expires_at = ?",
            info->fingerprint, pem, info->not_after);
        return pem;
    }
    void set_state(const std::string& state) { database().run("UPDATE agent SET state = ?", state); }

    const std::string key = *platform::tls::generate_key();
    std::string agent;
    std::string certificate;
    Loop loop;
    platform::system::Log log{platform::system::LogLevel::error};
    account::RefusalLog refusals{log};
    account::FilesInMemory files;
    std::optional<account::ServerCertificate> server_certificate;
    std::optional<platform::sql::ConnectionTransactions> transactions;
    std::optional<platform::store::StoreThread> thread;
    std::optional<account::StoreJobs> jobs;
    std::optional<account::AgentService> service;
    std::optional<platform::http::Server> server;
    std::optional<https::HttpsClient> client;
};

Standing standing_of(const https::Response& response) {
    CHECK(response.status == 403);
    const auto problem = core::wire::problem_from_json(response.body);
    REQUIRE(problem.standing);
    return *problem.standing;
}

}  // namespace

TEST_CASE_METHOD(Served, "a kept connection outlives no revocation") {
    REQUIRE(hello().status == 200);
    set_state("revoked");
    CHECK(standing_of(hello()) == Standing::revoked);
    CHECK(standing_of(renew()) == Standing::revoked);
    set_state("active");
    CHECK(hello().status == 200);
}

TEST_CASE_METHOD(Served, "a resumed TLS session outlives no revocation") {
    const ContextPointer same = context(certificate);
    client->use(same);
    REQUIRE(hello().status == 200);
    set_state("revoked");
    client->drop();
    CHECK(standing_of(hello()) == Standing::revoked);
}

TEST_CASE_METHOD(Served, "a kept connection outlives no certificate") {
    REQUIRE(hello().status == 200);
    database().run("UPDATE agent SET certificate_expires_at = ?", clock.wall_now() + -core::second_ms);
    CHECK(standing_of(hello()) == Standing::expired);
    CHECK(renew().status == 200);
}

TEST_CASE_METHOD(Served, "an expired certificate renews over TLS, and the new one is used at once") {
    const core::UtcTime now = clock.wall_now();
    client->use(context(certificate_of(now + -100 * core::day_ms, now + -10 * core::day_ms)));
    CHECK(standing_of(hello()) == Standing::expired);
    const auto renewed = renew();
    REQUIRE(renewed.status == 200);
    client->use(context(core::wire::renew_reply_from_json(renewed.body)->certificate));
    CHECK(hello().status == 200);
}

TEST_CASE_METHOD(Served, "a certificate expired for more than 90 days is told how to come back") {
    const core::UtcTime now = clock.wall_now();
    client->use(context(certificate_of(now + -200 * core::day_ms, now + -91 * core::day_ms)));
    const auto refused = renew();
    CHECK(standing_of(refused) == Standing::expired);
    CHECK(core::wire::problem_from_json(refused.body).detail.find("agent token lab") != std::string::npos);
}

TEST_CASE_METHOD(Served, "a server's new certificate is shown to the next connection, and breaks none") {
    REQUIRE(hello().status == 200);
    const auto before = server_certificate->for_agents();
    REQUIRE(*server_certificate->refresh(clock.wall_now() + 61 * core::day_ms));
    REQUIRE(server_certificate->for_agents() != before);
    CHECK(hello().status == 200);
}

TEST_CASE_METHOD(Served, "an agent of another version is told what is spoken here, whatever else it said") {
    const auto answer = ask("/v1/hello", R"({"protocol_min":7,"protocol_max":9,"else":"unreadable"})");
    REQUIRE(answer.status == 200);
    const auto reply = core::wire::hello_reply_from_json(answer.body);
    REQUIRE(reply);
    CHECK(reply->verdict == core::wire::Verdict::upgrade);
    CHECK(reply->protocol_min == core::wire::protocol_min);
    CHECK(reply->protocol_max == core::wire::protocol_max);
    set_state("revoked");
    CHECK(standing_of(ask("/v1/hello", R"({"protocol_min":7,"protocol_max":9})")) == Standing::revoked);
}

TEST_CASE_METHOD(Served, "counters that no number can be are refused, and kept as evidence") {
    REQUIRE(hello().status == 200);
    const auto sync = [&](const std::string& used) {
        return ask("/v1/sync",
                   R"({"session":"s","request_number":1,"resources":[{"resource":"render","M":0,"q":0,)"
                   R"("tranches":[{"tranche":"t1","U":)" +
                       used +
                       R"(,"R":0,"hours":[]}],"H":0,"need":0,"wanted":0,"rate":0,"idle":false,)"
                       R"("overage":0}],"usage":[]})");
    };
    CHECK(sync("9223372036854775807").status == 400);
    CHECK(sync("-1").status == 400);
    CHECK(ask("/v1/sync", "no JSON").status == 400);
    const auto evidence = account::list_evidence(database(), "lab");
    REQUIRE(evidence.size() == 1);
    CHECK(evidence[0].agent == agent);
    CHECK(evidence[0].times == 2);
    CHECK(evidence[0].detail.find("/resources/0/tranches/0/U") == 0);
    set_state("revoked");
    CHECK(standing_of(sync("-1")) == Standing::revoked);
}
