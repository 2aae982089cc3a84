// Certificates that must not get through: each is refused, and both ends can tell their operators why
// in one line.
#include "tests/support/catch.hpp"
#include "tests/support/tls_pair.hpp"

using namespace meterbox;
using namespace meterbox::tests;
using platform::tls::TimeJudgement;
using platform::tls::VerifyResult;

namespace {

struct Refusal {
    std::string client;
    std::string server;
};

Refusal refused(ContextPointer client, ContextPointer server, const std::string& name = "localhost") {
    EnginePair pair(std::move(client), std::move(server), name);
    CHECK_FALSE(pair.handshake());
    CHECK(pair.client_answer == TlsEngine::Answer::failed);
    CHECK(pair.server_answer == TlsEngine::Answer::failed);
    return {pair.client.failure(), pair.server.failure()};
}

bool agree(ContextPointer client, ContextPointer server, const std::string& name = "localhost") {
    EnginePair pair(std::move(client), std::move(server), name);
    return pair.handshake();
}

ContextPointer server_with(const TlsWorld& world, const Credentials& credentials) {
    ServerOptions options = world.server_options();
    options.certificate_pem = credentials.certificate;
    options.key_pem = credentials.key;
    return TlsContext::server(options).value();
}

ContextPointer client_with(const TlsWorld& world, const Credentials& credentials) {
    ClientOptions options = world.client_options();
    options.certificate_pem = credentials.certificate;
    options.key_pem = credentials.key;
    return TlsContext::client(options).value();
}

// A key that certifies itself, as administrators make them.
Credentials self_signed() {
    const PemFolder folder;
    const std::string command =
        "openssl req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj /CN=myself -days 1 "
        "-addext subjectAltName=DNS:localhost -keyout " +
        folder.path("key") + " -out " + folder.path("crt") + " 2>/dev/null";
    REQUIRE(std::system(command.c_str()) == 0);
    return {folder.read("key"), folder.read("crt")};
}

}  // namespace

TEST_CASE("an expired server is refused, with the date, on both sides") {
    const TlsWorld world;
    const auto expired = world.issue_server({"localhost"}, {1'500'000'000'000}, {1'600'000'000'000});
    const Refusal said = refused(world.client(), server_with(world, expired));
    CHECK(said.client == "certificate of localhost:9443 expired on 2020-09-13T12:26:40Z");
    CHECK(said.server == "10.0.0.7:5000 refused our certificate: certificate expired (TLS alert 45)");
}

TEST_CASE("a server with another name is refused on both sides, IP addresses included") {
    const TlsWorld world;
    const auto named = server_with(world, world.issue_server({"account.example", "10.0.0.1"}));
    const Refusal said = refused(world.client(), named);
    CHECK(said.client ==
          "certificate of localhost:9443 is for account.example, 10.0.0.1, not for \"localhost\"");
    CHECK(said.server == "10.0.0.7:5000 refused our certificate: bad certificate (TLS alert 42)");
    CHECK(refused(world.client(), named, "127.0.0.1").client ==
          "certificate of 127.0.0.1:9443 is for account.example, 10.0.0.1, not for \"127.0.0.1\"");
    CHECK(refused(world.client(), named, "::1").client.find("not for \"::1\"") != std::string::npos);
    CHECK(agree(world.client(), named, "10.0.0.1"));
    CHECK(agree(world.client(), named, "ACCOUNT.example"));
    CHECK(agree(world.client(), server_with(world, world.issue_server({"::1"})), "::1"));
}

TEST_CASE("a wildcard stands for one label, and an address is never a name") {
    const TlsWorld world;
    const auto wild = world.issue_server({"account.example", "*.account.example", "*.com"});
    const auto server = server_with(world, wild);
    CHECK(agree(world.client(), server, "eu.account.example"));
    CHECK_FALSE(agree(world.client(), server, "a.eu.account.example"));
    CHECK_FALSE(agree(world.client(), server, ".account.example"));
    CHECK_FALSE(agree(world.client(), server, "example.com"));
}

TEST_CASE("a self-signed server is refused on both sides") {
    const TlsWorld world;
    const Refusal said = refused(world.client(), server_with(world, self_signed()));
    CHECK(said.client == "certificate of localhost:9443 is self-signed and not trusted here");
    CHECK(said.server == "10.0.0.7:5000 refused our certificate: unknown CA (TLS alert 48)");
}

TEST_CASE("a server of another CA is refused on both sides, also if that CA has the same name") {
    const TlsWorld world;
    const TlsWorld other;
    const Refusal said = refused(world.client(), server_with(world, other.server));
    CHECK(said.client ==
          "certificate of localhost:9443 is signed by \"test CA\", which isn't a CA trusted here");
    CHECK(said.server == "10.0.0.7:5000 refused our certificate: unknown CA (TLS alert 48)");
}

TEST_CASE("a server's certificate doesn't make a client") {
    const TlsWorld world;
    const Refusal said = refused(client_with(world, world.server), world.serving());
    CHECK(said.server == "certificate of client \"localhost\" at 10.0.0.7:5000 isn't meant for clients");
    CHECK(said.client == "localhost:9443 refused our certificate: unsupported certificate (TLS alert 43)");
}

TEST_CASE("a client without a certificate is refused where one is required, on both sides") {
    const TlsWorld world;
    ClientOptions options = world.client_options();
    options.certificate_pem.clear();
    options.key_pem.clear();
    const Refusal said = refused(TlsContext::client(options).value(), world.serving());
    CHECK(said.server == "client at 10.0.0.7:5000 showed no certificate");
    CHECK(said.client.rfind("localhost:9443 refused ", 0) == 0);
    CHECK(said.client.find("no certificate was shown to it") != std::string::npos);
}

TEST_CASE("an expired, a self-signed and a strange client are refused where one is required, on both sides") {
    const TlsWorld world;
    const TlsWorld other;
    const Refusal expired = refused(
        client_with(world, world.issue_agent({1'500'000'000'000}, {1'600'000'000'000})), world.serving());
    CHECK(expired.server ==
          "certificate of client \"agent-1\" at 10.0.0.7:5000 expired on 2020-09-13T12:26:40Z");
    CHECK(expired.client == "localhost:9443 refused our certificate: certificate expired (TLS alert 45)");

    const Refusal strange = refused(client_with(world, other.agent), world.serving());
    CHECK(strange.server ==
          "certificate of client \"agent-1\" at 10.0.0.7:5000 is signed by \"test CA\", which isn't a CA "
          "trusted here");
    CHECK(strange.client == "localhost:9443 refused our certificate: unknown CA (TLS alert 48)");

    const Refusal own = refused(client_with(world, self_signed()), world.serving());
    CHECK(own.server.find(
              "certificate of client \"myself\" at 10.0.0.7:5000 is self-signed and not trusted here") == 0);
    CHECK(own.client.rfind("localhost:9443 refused our certificate: ", 0) == 0);
}

TEST_CASE("where client certificates are optional, the application learns what each is worth") {
    const TlsWorld world;
    const TlsWorld other;
    using Verdict = VerifyResult::Verdict;
    ServerOptions options = world.server_options();
    options.client_auth = ClientAuth::optional;
    const ContextPointer server = TlsContext::server(options).value();
    const auto judged = [&](const ClientOptions& client) {
        EnginePair pair(TlsContext::client(client).value(), server);
        CHECK(pair.handshake());
        return pair.server.verify_result();
    };
    const auto with = [&](const Credentials& credentials) {
        return ClientOptions{world.ca.certificate, {}, credentials.certificate, credentials.key, {}};
    };
    CHECK(judged({world.ca.certificate, {}, "", "", {}}).verdict == Verdict::none);
    CHECK(judged(with(world.agent)).verdict == Verdict::valid);
    CHECK(judged(with(world.agent)).reason.empty());
    const VerifyResult expired = judged(with(world.issue_agent({1'500'000'000'000}, {1'600'000'000'000})));
    CHECK(expired.verdict == Verdict::expired);
    CHECK(expired.reason ==
          "certificate of client \"agent-1\" at 10.0.0.7:5000 expired on 2020-09-13T12:26:40Z");
    CHECK(judged(with(other.agent)).verdict == Verdict::refused);
    const auto expired_and_strange = other.issue_agent({1'500'000'000'000}, {1'600'000'000'000});
    CHECK(judged(with(expired_and_strange)).verdict == Verdict::refused);
    CHECK(judged(with(self_signed())).verdict == Verdict::refused);
    CHECK(judged(with(world.server)).verdict == Verdict::refused);
}

TEST_CASE("at enrollment the CA in the server's chain is matched by its fingerprint alone") {
    const TlsWorld world;
    const TlsWorld other;
    ClientOptions options;
    options.trusted_fingerprint = platform::tls::certificate_fingerprint(world.ca.certificate).value();
    ServerOptions serving = world.server_options();
    serving.client_auth = ClientAuth::optional;
    const auto enrolls_at = [&](const Credentials& server, const std::string& name = "localhost") {
        serving.certificate_pem = server.certificate;
        serving.key_pem = server.key;
        EnginePair pair(TlsContext::client(options).value(), TlsContext::server(serving).value(), name);
        return pair.handshake() ? std::string("yes") : pair.client.failure();
    };
    CHECK(enrolls_at(world.server) == "yes");
    CHECK(enrolls_at(world.server, "127.0.0.1") == "yes");
    CHECK(enrolls_at(world.server, "elsewhere").find("not for \"elsewhere\"") != std::string::npos);
    const std::string stranger =
        "certificate of localhost:9443 doesn't come with the CA that has the expected fingerprint";
    CHECK(enrolls_at(other.server) == stranger);
    const std::string alone = platform::tls::split_chain(world.server.certificate).value().front();
    CHECK(enrolls_at({world.server.key, alone}) == stranger);
    // Another's certificate with the right CA behind it, which never signed it.
    const std::string foreign = platform::tls::split_chain(other.server.certificate).value().front();
    CHECK(enrolls_at({other.server.key, foreign + world.ca.certificate}) == stranger);
    CHECK(enrolls_at({other.server.key, foreign + other.ca.certificate + world.ca.certificate}) == stranger);
    CHECK(enrolls_at(world.issue_server({"localhost"}, {1'500'000'000'000}, {1'600'000'000'000}))
              .find("expired on 2020-09-13T12:26:40Z") != std::string::npos);
    // The pinned fingerprint must be a CA's: a server's own won't do.
    options.trusted_fingerprint = platform::tls::certificate_fingerprint(world.server.certificate).value();
    CHECK(enrolls_at(world.server) == stranger);
}

TEST_CASE("certificates are judged at the time that the caller trusts, not at the wall clock's") {
    const TlsWorld world;
    const auto old_server = world.issue_server({"localhost"}, {1'500'000'000'000}, {1'600'000'000'000});
    const auto at = [&](std::int64_t ms, bool let_pass) {
        ClientOptions options = world.client_options();
        options.judge_time = [ms, let_pass] { return TimeJudgement{{ms}, let_pass}; };
        return TlsContext::client(options).value();
    };
    ServerOptions options = world.server_options();
    options.certificate_pem = old_server.certificate;
    options.key_pem = old_server.key;
    const ContextPointer server = TlsContext::server(options).value();
    // The test's CA is of today, so only with what isn't valid yet let pass does 2017 to 2020 work.
    CHECK(agree(at(1'550'000'000'000, true), server));
    CHECK(agree(at(1'600'000'000'999, true), server));
    CHECK(refused(at(1'600'000'001'000, true), server).client.find("expired") != std::string::npos);
    CHECK(agree(at(0, true), server));
    CHECK(refused(at(0, false), server).client.find("isn't valid before 2017-07-14T02:40:00Z") !=
          std::string::npos);
    CHECK(
        refused(at(1'550'000'000'000, false), server).client.find("its CA \"test CA\" isn't valid before") !=
        std::string::npos);
    CHECK(refused(at(world.now.ms + 20 * 365 * core::day_ms, false), world.serving())
              .client.find("expired on") != std::string::npos);
}

TEST_CASE("a context that can't work is refused when it is made") {
    const TlsWorld world;
    const TlsWorld other;
    CHECK(TlsContext::client({}).error().detail == "no CA to trust is given");
    ClientOptions client = world.client_options();
    client.key_pem = other.agent.key;
    CHECK(TlsContext::client(client).error().detail.rfind("the key doesn't belong to the certificate", 0) ==
          0);
    client.key_pem.clear();
    CHECK(TlsContext::client(client).error().code == core::ErrorCode::invalid);
    client = {"rubbish", {}, "", "", {}};
    CHECK(TlsContext::client(client).error().code == core::ErrorCode::malformed);
    ServerOptions server = world.server_options();
    server.client_ca_pem.clear();
    CHECK_FALSE(TlsContext::server(server).has_value());
    server.client_auth = ClientAuth::none;
    CHECK(TlsContext::server(server).has_value());
}
