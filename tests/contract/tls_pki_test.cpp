// Keys, requests and certificates: what platform/tls/pki.hpp makes, read back by itself and judged by
// the openssl command line, so that a mistake shared by writer and reader is seen.
#include <cstdlib>
#include <set>

#include "platform/tls/pki.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/tls_fixture.hpp"

using namespace meterbox;
using namespace meterbox::platform::tls;
using tests::PemFolder;
using tests::TestCa;

namespace {

constexpr core::UtcTime start{1'790'000'000'000};  // 2026-09-21
constexpr core::UtcTime end = start + 90 * core::day_ms;

CertificateWish agent_wish() {
    return {"agent-1", "team.a", {}, CertificatePurpose::client, start, end};
}

}  // namespace

TEST_CASE("a certificate issued for a request holds what was asked for") {
    const TestCa ca(start);
    const std::string key = generate_key().value();
    const std::string request = make_certificate_request(key, "whatever").value();
    REQUIRE(check_certificate_request(request).has_value());
    const std::string pem = issue_certificate(ca.certificate, ca.key, request, agent_wish()).value();
    const CertificateInfo info = certificate_info(pem).value();
    CHECK(info.common_name == "agent-1");
    CHECK(info.organization == "team.a");
    CHECK(info.issuer == "test CA");
    CHECK(info.not_before == start);
    CHECK(info.not_after == end);
    CHECK(!info.is_ca);
    CHECK(info.fingerprint.size() == 64);
    CHECK(info.key_fingerprint == key_fingerprint(key).value());
    CHECK(info.key_fingerprint == request_key_fingerprint(request).value());
    CHECK(certificate_info(ca.certificate).value().is_ca);
    CHECK(hex_encode(bytes_of(certificate_fingerprint(pem).value())) == info.fingerprint);
}

TEST_CASE("a server's certificate carries its DNS names and IP addresses") {
    const TestCa ca(start);
    const auto server =
        issue_server_certificate(ca.certificate, ca.key, {"localhost", "127.0.0.1", "::1"}, start, end)
            .value();
    const CertificateInfo info = certificate_info(server.certificate).value();
    CHECK(info.subject_names == std::vector<std::string>{"localhost", "127.0.0.1", "::1"});
    const auto chain = split_chain(server.certificate).value();
    REQUIRE(chain.size() == 2);
    CHECK(certificate_info(chain[1]).value().is_ca);
}

TEST_CASE("openssl verifies the chain, its purposes, names and fingerprints") {
    const PemFolder folder;
    const core::UtcTime now = tests::wall_clock();
    const TestCa ca(now);
    const auto server = issue_server_certificate(ca.certificate, ca.key, {"localhost", "127.0.0.1", "::1"},
                                                 now, now + core::day_ms)
                            .value();
    folder.write("ca.crt", ca.certificate);
    folder.write("server.crt", split_chain(server.certificate).value()[0]);
    const std::string verify = "openssl verify -x509_strict -CAfile " + folder.path("ca.crt");
    const std::string certificate = " " + folder.path("server.crt") + " >/dev/null 2>&1";
    CHECK(std::system((verify + " -purpose sslserver -verify_hostname localhost" + certificate).c_str()) ==
          0);
    CHECK(std::system((verify + " -purpose sslserver -verify_ip 127.0.0.1" + certificate).c_str()) == 0);
    CHECK(std::system((verify + " -purpose sslserver -verify_ip ::1" + certificate).c_str()) == 0);
    CHECK(std::system((verify + " -verify_hostname elsewhere" + certificate).c_str()) != 0);
    CHECK(std::system((verify + " -purpose sslclient" + certificate).c_str()) != 0);
    const std::string fingerprint =
        tests::output_of("openssl x509 -noout -fingerprint -sha256 -in " + folder.path("server.crt") +
                         " | sed 's/.*=//; s/://g' | tr A-F a-f | tr -d '\\n'");
    CHECK(fingerprint == certificate_info(server.certificate).value().fingerprint);
    const std::string key_hash = tests::output_of(
        "openssl x509 -noout -pubkey -in " + folder.path("server.crt") +
        " | openssl pkey -pubin -outform DER | openssl sha256 -r | cut -d' ' -f1 | tr -d '\\n'");
    CHECK(key_hash == certificate_info(server.certificate).value().key_fingerprint);
}

TEST_CASE("a request made by openssl is taken if its key is on P-256, and refused otherwise") {
    const PemFolder folder;
    const std::string make =
        "openssl req -new -nodes -subj /CN=x -keyout /dev/null -out " + folder.path("r.pem");
    REQUIRE(std::system((make + " -newkey ec -pkeyopt ec_paramgen_curve:P-256 2>/dev/null").c_str()) == 0);
    CHECK(check_certificate_request(folder.read("r.pem")).has_value());
    REQUIRE(std::system((make + " -newkey ec -pkeyopt ec_paramgen_curve:P-384 2>/dev/null").c_str()) == 0);
    CHECK(check_certificate_request(folder.read("r.pem")).error().detail ==
          "certificate request's key must be on P-256");
    REQUIRE(std::system((make + " -newkey rsa:2048 2>/dev/null").c_str()) == 0);
    CHECK(check_certificate_request(folder.read("r.pem")).error().code == core::ErrorCode::invalid);
}

TEST_CASE("a request that was changed after it was signed is refused") {
    const PemFolder folder;
    const std::string request = make_certificate_request(generate_key().value(), "agent-1").value();
    folder.write("r.pem", request);
    REQUIRE(
        std::system(("openssl req -in " + folder.path("r.pem") + " -outform DER -out " + folder.path("r.der"))
                        .c_str()) == 0);
    std::string der = folder.read("r.der");
    const std::size_t name = der.find("agent-1");
    REQUIRE(name != std::string::npos);
    der[name + 6] = '2';
    folder.write("r.der", der);
    REQUIRE(
        std::system(("openssl req -inform DER -in " + folder.path("r.der") + " -out " + folder.path("r2.pem"))
                        .c_str()) == 0);
    const auto refused = check_certificate_request(folder.read("r2.pem"));
    REQUIRE(!refused);
    CHECK(refused.error().code == core::ErrorCode::invalid);
    CHECK(refused.error().detail.find("isn't signed by its own key") != std::string::npos);
    const TestCa ca(start);
    CHECK(!issue_certificate(ca.certificate, ca.key, folder.read("r2.pem"), agent_wish()));
}

TEST_CASE("bad input to the CA is an error that says what is wrong") {
    const TestCa ca(start);
    const TestCa other(start);
    const std::string request = make_certificate_request(generate_key().value(), "a").value();
    const auto issue = [&](CertificateWish wish) {
        return issue_certificate(ca.certificate, ca.key, request, wish).error().detail;
    };
    CertificateWish wish = agent_wish();
    wish.common_name = "a,O=other";
    CHECK(issue(wish).find("common name") != std::string::npos);
    wish = agent_wish();
    wish.organization = std::string(65, 'a');
    CHECK(issue(wish).find("organization") != std::string::npos);
    wish = agent_wish();
    wish.valid_to = wish.valid_from;
    CHECK(issue(wish).find("validity") != std::string::npos);
    wish = agent_wish();
    wish.names = {"not a name"};
    CHECK(issue(wish).find("\"not a name\"") != std::string::npos);
    wish = agent_wish();
    wish.purpose = CertificatePurpose::server;
    CHECK(issue(wish).find("at least one name") != std::string::npos);
    CHECK(
        issue_certificate(ca.certificate, other.key, request, agent_wish()).error().detail.find("CA's key") !=
        std::string::npos);
    CHECK(issue_certificate("", ca.key, request, agent_wish()).error().code == core::ErrorCode::malformed);
    CHECK(issue_certificate(ca.certificate, "rubbish", request, agent_wish()).error().code ==
          core::ErrorCode::malformed);
    CHECK(issue_certificate(ca.certificate, ca.key, "rubbish", agent_wish()).error().code ==
          core::ErrorCode::malformed);
    CHECK(!split_chain("no certificate here"));
    CHECK(!certificate_info(ca.key));
}

TEST_CASE("a certificate is read from PEM alone, so that no bytes are two of them") {
    const std::string key = generate_key().value();
    const std::string pem = make_ca(key, "ca", tests::wall_clock()).value();
    CHECK(certificate_info(pem));
    const std::string zero(1, '\0');
    CHECK_FALSE(certificate_info(pem + zero));
    CHECK_FALSE(certificate_info(zero + pem));
    const std::string request = make_certificate_request(key, "a").value();
    CHECK(check_certificate_request(request));
    CHECK_FALSE(check_certificate_request(request + zero));
}

TEST_CASE("each certificate has a serial of its own, 16 bytes long") {
    const TestCa ca(start);
    const std::string request = make_certificate_request(generate_key().value(), "a").value();
    std::set<std::string> serials;
    for (int i = 0; i < 20; ++i) {
        const std::string pem = issue_certificate(ca.certificate, ca.key, request, agent_wish()).value();
        const std::string serial = certificate_info(pem).value().serial;
        CHECK(serial.size() == 32);
        serials.insert(serial);
    }
    CHECK(serials.size() == 20);
}

TEST_CASE("base64url decodes what it encodes, and nothing that is spelled otherwise") {
    std::string bytes;
    for (int i = 0; i < 256; ++i) {
        CHECK(base64url_decode(base64url_encode(bytes)) == bytes);
        bytes += static_cast<char>(i);
    }
    CHECK(base64url_encode("\xfb\xff") == "-_8");
    for (const char* const bad :
         {"A", "AA=", "AA==", "-_9", "AB", "A+/A", "AAAA AAAA", "AAA\n", "A.AA", "AAAAA"})
        CHECK_FALSE(base64url_decode(bad).has_value());
    CHECK(hex_encode(bytes_of(sha256("abc"))) ==
          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
