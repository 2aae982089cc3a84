// The admin's endpoint over its real sockets, with an agent that answers as it is told: who is let in,
// under which name, and what each path gives.
#include "agent/admin_routes.hpp"

#include <arpa/inet.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <optional>

#include "tests/contract/http_fixture.hpp"

using namespace meterbox;
using namespace meterbox::tests;
using core::Error;
using core::ErrorCode;
namespace json = boost::json;

namespace {

const std::string token = "0123456789abcdef0123456789abcdef";
const std::string bearer = "Authorization: Bearer " + token + "\r\n";

class FakeAgent final : public agent::AgentView {
public:
    agent::StatusSnapshot status() const override { return snapshot; }
    bool ready(std::string& reason) const override {
        reason = why_not;
        return why_not.empty();
    }
    void sync_now(std::function<void(core::Result<void>)> done) override { syncs.push_back(std::move(done)); }
    void enroll(agent::EnrollOrder given, Enrolled done) override {
        order = std::move(given);
        done(enrolled);
    }
    void retire(std::function<void(core::Result<void>)> done) override { done(retired); }
    void verify(Verified done) override { done(report); }

    agent::StatusSnapshot snapshot;
    std::string why_not;
    std::vector<std::function<void(core::Result<void>)>> syncs;
    core::Result<void> retired;
    std::optional<agent::EnrollOrder> order;
    core::Result<std::string> enrolled = std::string("agent-1");
    agent::ChainReport report;
};

// The endpoint on a Unix socket and on a loopback port.
class Endpoint {
public:
    explicit Endpoint(const std::string& secret = token)
        : routes_(fake, agent::AdminGuard{secret, {"meters.example", "[fd00::7]"}}),
          server_([this](const http::Request& request, http::Responder responder) {
              routes_.handle(request, std::move(responder));
          }) {
        server_.on_loop([this] { REQUIRE(server_.server().listen_tcp("127.0.0.1", 0)); });
    }

    HttpAnswer on_socket(const std::string& request) { return HttpClient{server_.path()}.ask(request); }
    HttpAnswer on_loopback(const std::string& request, bool head_only = false) {
        HttpClient client{connect()};
        client.send(request);
        return client.answer(head_only);
    }
    // GET on loopback with the token, with these headers as well.
    HttpAnswer get_with(const std::string& headers, const std::string& path = "/status") {
        return on_loopback("GET " + path + " HTTP/1.1\r\n" + bearer + headers + "\r\n");
    }
    HttpAnswer get_as(const std::string& host, const std::string& path = "/status") {
        return get_with("Host: " + host + "\r\n", path);
    }
    std::string host() { return "127.0.0.1:" + std::to_string(server_.server().port()); }
    std::string good_host() { return "Host: " + host() + "\r\n"; }
    HttpServer& server() { return server_; }

    FakeAgent fake;

private:
    int connect() {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(server_.server().port());
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        REQUIRE(::connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        return descriptor;
    }

    agent::AdminRoutes routes_;
    HttpServer server_;
};

void check_problem(const HttpAnswer& answer, int status, const std::string& name) {
    CHECK(answer.status == status);
    CHECK(answer.has("Content-Type: application/problem+json"));
    const json::value problem = json::parse(answer.body);
    CHECK(problem.at("type").as_string() == "urn:meterbox:error:" + name);
    CHECK(problem.at("status").as_int64() == status);
}

std::string detail_of(const HttpAnswer& answer) {
    return std::string(json::parse(answer.body).at("detail").as_string());
}

}  // namespace

TEST_CASE("the admin socket asks for no token and looks at no Host") {
    Endpoint endpoint;
    endpoint.fake.snapshot.agent.name = "render-box";
    const HttpAnswer answer = endpoint.on_socket("GET /status HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    CHECK(answer.status == 200);
    CHECK(answer.has("Content-Type: application/json"));
    CHECK(json::parse(answer.body).at("agent").at("name").as_string() == "render-box");
    CHECK(endpoint.on_socket(get("/status")).status == 200);
}

TEST_CASE("on loopback the token opens what it guards, and nothing else does") {
    Endpoint endpoint;
    for (const std::string path : {"/status", "/metrics"}) {
        const auto ask = [&](const std::string& authorization) {
            return endpoint.on_loopback("GET " + path + " HTTP/1.1\r\n" + endpoint.good_host() +
                                        authorization + "\r\n");
        };
        CHECK(ask(bearer).status == 200);
        CHECK(ask("Authorization: bearer   " + token + "\r\n").status == 200);
        const HttpAnswer missing = ask("");
        check_problem(missing, 401, "unauthenticated");
        CHECK(missing.has("WWW-Authenticate: Bearer"));
        for (const std::string& wrong :
             {std::string("Bearer"), std::string("Bearer "), "Bearer " + token + "0",
              "Bearer " + token.substr(1), "Bearer x" + token.substr(1), "Basic " + token, token,
              "Bearer " + token + token})
            check_problem(ask("Authorization: " + wrong + "\r\n"), 401, "unauthenticated");
    }
}

TEST_CASE("an endpoint without a token lets nobody in on loopback") {
    Endpoint endpoint{""};
    for (const std::string authorization : {"", "Authorization: Bearer\r\n", "Authorization: Bearer \r\n"})
        check_problem(
            endpoint.on_loopback("GET /status HTTP/1.1\r\nHost: localhost\r\n" + authorization + "\r\n"), 401,
            "unauthenticated");
    CHECK(endpoint.on_socket(get("/status")).status == 200);
}

TEST_CASE("health and readiness need no token, and a good Host all the same") {
    Endpoint endpoint;
    for (const std::string path : {"/healthz", "/readyz"}) {
        CHECK(endpoint.on_loopback("GET " + path + " HTTP/1.1\r\n" + endpoint.good_host() + "\r\n").status ==
              200);
        check_problem(endpoint.on_loopback("GET " + path + " HTTP/1.1\r\nHost: evil.example\r\n\r\n"), 403,
                      "forbidden");
        CHECK(endpoint.on_socket(get(path)).status == 200);
    }
}

TEST_CASE("an absolute target names the host in place of the Host field") {
    Endpoint endpoint;
    const std::string good = endpoint.good_host();
    check_problem(endpoint.on_loopback("GET http://evil.example/healthz HTTP/1.1\r\n" + good + "\r\n"), 403,
                  "forbidden");
    CHECK(endpoint.on_loopback("GET http://localhost/healthz HTTP/1.1\r\n" + good + "\r\n").status == 200);
}

TEST_CASE("on loopback a Host is good when its name is this machine's, whatever its case and port") {
    Endpoint endpoint;
    for (const std::string& host :
         {endpoint.host(), std::string("localhost"), std::string("LOCALHOST:9480"),
          std::string("LocalHost:1"), std::string("127.0.0.1"), std::string("[::1]"),
          std::string("[::1]:9480"), std::string("meters.example"), std::string("Meters.Example:443"),
          std::string("[FD00::7]:80")})
        CHECK(endpoint.get_as(host).status == 200);
    for (const std::string host :
         {"evil.example", "evil.example:9480", "127.0.0.1.evil.example", "localhost.evil.example",
          "xlocalhost", "localhost:", "localhost:80x", "localhost:123456", "localhost:80:80", "[::1",
          "[::1]x", "::1", "[]", ":9480", "127.0.0.2", "localhost evil.example", "user@localhost", "[::2]"}) {
        const HttpAnswer answer = endpoint.get_as(host);
        check_problem(answer, 403, "forbidden");
        CHECK_FALSE(answer.has("Access-Control"));
    }
}

TEST_CASE("a refused Host is named, with the setting that allows it") {
    Endpoint endpoint;
    const std::string detail = detail_of(endpoint.get_as("Evil.example:9480"));
    CHECK(detail.find("\"Evil.example:9480\"") != std::string::npos);
    CHECK(detail.find("admin.allowed_hosts") != std::string::npos);
    CHECK(detail_of(endpoint.get_as("a\xff\xc3!"))
              .find("\"a?"
                    "?!\"") != std::string::npos);  // valid JSON
    CHECK(detail_of(endpoint.get_as(std::string(5'000, 'a'))).size() < 300);
}

TEST_CASE("a request without a Host, or with two, is refused on loopback") {
    Endpoint endpoint;
    check_problem(endpoint.get_with(""), 403, "forbidden");
    check_problem(endpoint.get_with("Host:\r\n"), 403, "forbidden");
    const HttpAnswer two = endpoint.get_with("Host: localhost\r\nHost: localhost\r\n");
    CHECK((two.status == 400 || two.status == 403));
}

TEST_CASE("on loopback a page of another site is refused by its Origin") {
    Endpoint endpoint;
    const auto from = [&](const std::string& origin) {
        return endpoint.get_with(endpoint.good_host() + "Origin: " + origin + "\r\n");
    };
    CHECK(from("http://" + endpoint.host()).status == 200);
    CHECK(from("http://meters.example").status == 200);
    for (const std::string origin : {"null", "http://evil.example", "https://evil.example:9480", "http://",
                                     "file://", "http://localhost.evil.example", "http://localhost/path"}) {
        const HttpAnswer answer = from(origin);
        check_problem(answer, 403, "forbidden");
        CHECK_FALSE(answer.has("Access-Control"));
    }
}

TEST_CASE("loopback only reads: no request there changes anything") {
    Endpoint endpoint;
    for (const std::string path : {"/v1/sync", "/v1/enroll", "/v1/verify", "/v1/retire", "/v1/open"}) {
        const HttpAnswer answer = endpoint.on_loopback("POST " + path + " HTTP/1.1\r\n" + bearer +
                                                       endpoint.good_host() + "Content-Length: 2\r\n\r\n{}");
        check_problem(answer, 405, "method-not-allowed");
    }
    CHECK(endpoint.fake.syncs.empty());
    CHECK_FALSE(endpoint.fake.order);
}

TEST_CASE("retiring is answered once the account has, or with what keeps it from answering") {
    Endpoint endpoint;
    CHECK(endpoint.on_socket(post("/v1/retire", "{}")).body == R"({"state":"retired"})");
    endpoint.fake.retired = core::Error{core::ErrorCode::unreachable, "refused; it goes on", {}, {}};
    check_problem(endpoint.on_socket(post("/v1/retire", "{}")), 503, "unreachable");
}

TEST_CASE("another method is told which one a path takes") {
    Endpoint endpoint;
    for (const std::string method : {"POST", "PUT", "DELETE", "OPTIONS"}) {
        const HttpAnswer answer =
            endpoint.on_socket(method + " /status HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
        check_problem(answer, 405, "method-not-allowed");
        CHECK(answer.has("Allow: GET, HEAD\r\n"));
        CHECK_FALSE(answer.has("Access-Control"));
    }
    const HttpAnswer answer = endpoint.on_socket(get("/v1/sync"));
    check_problem(answer, 405, "method-not-allowed");
    CHECK(answer.has("Allow: POST\r\n"));
}

TEST_CASE("HEAD is answered as GET, without the body") {
    Endpoint endpoint;
    const HttpAnswer whole = endpoint.get_as("localhost");
    const HttpAnswer head = endpoint.on_loopback(
        "HEAD /status HTTP/1.1\r\n" + bearer + "Host: localhost\r\nConnection: close\r\n\r\n", true);
    CHECK(head.status == 200);
    CHECK(head.has("Content-Length: " + std::to_string(whole.body.size()) + "\r\n"));
}

TEST_CASE("every answer forbids to store, sniff and frame it") {
    Endpoint endpoint;
    for (const HttpAnswer& answer : {endpoint.get_as("localhost"), endpoint.get_as("localhost", "/metrics"),
                                     endpoint.get_as("localhost", "/nothing"),
                                     endpoint.get_as("evil.example"), endpoint.on_socket(get("/status"))}) {
        CHECK(answer.has("Cache-Control: no-store\r\n"));
        CHECK(answer.has("X-Content-Type-Options: nosniff\r\n"));
        CHECK(answer.has("Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"));
        CHECK(answer.has("X-Frame-Options: DENY\r\n"));
    }
}

TEST_CASE("readiness says why not, as an error that may pass") {
    Endpoint endpoint;
    endpoint.fake.why_not = "this agent is not enrolled";
    HttpAnswer answer = endpoint.on_socket(get("/readyz"));
    check_problem(answer, 503, "not-enrolled");
    CHECK(answer.has("Retry-After: "));
    CHECK(detail_of(answer) == "this agent is not enrolled");
    endpoint.fake.snapshot.enrollment.state = agent::EnrollmentState::enrolled;
    endpoint.fake.why_not = "no resource is known yet";
    answer = endpoint.on_socket(get("/readyz"));
    check_problem(answer, 503, "unreachable");
    CHECK(endpoint.on_socket(get("/healthz")).status == 200);
}

TEST_CASE("metrics are Prometheus' text") {
    Endpoint endpoint;
    const HttpAnswer answer = endpoint.get_as("localhost", "/metrics");
    CHECK(answer.has("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    CHECK(answer.body.starts_with("# HELP meterbox_"));
}

TEST_CASE("what is of a later version is a clear error, and what is nothing isn't found") {
    Endpoint endpoint;
    for (const std::string path : {"/usage?resource=render", "/events", "/"}) {
        check_problem(endpoint.on_socket(get(path)), 501, "not-available");
        check_problem(endpoint.get_as("localhost", path), 501, "not-available");
    }
    check_problem(endpoint.on_socket(post("/v1/open", "{}")), 501, "not-available");
    for (const std::string path : {"/status/", "/Status", "/v1", "/%73tatus"})
        check_problem(endpoint.on_socket(get(path)), 404, "not-found");
    check_problem(endpoint.on_loopback("GET /nothing HTTP/1.1\r\n" + endpoint.good_host() + "\r\n"), 401,
                  "unauthenticated");
}

TEST_CASE("a sync is answered when it is done") {
    Endpoint endpoint;
    HttpClient client{endpoint.server().path()};
    client.send(post("/v1/sync", ""));
    REQUIRE(endpoint.server().becomes([&] { return endpoint.fake.syncs.size() == 1; }));
    SECTION("well") {
        endpoint.server().on_loop([&] {
            endpoint.fake.snapshot.account.last_sync_at = core::UtcTime{1'700'000'000'000};
            endpoint.fake.syncs[0]({});
        });
        const HttpAnswer answer = client.answer();
        CHECK(answer.status == 200);
        CHECK(json::parse(answer.body) == json::parse(R"({"last_sync_at":"2023-11-14T22:13:20Z"})"));
    }
    SECTION("or with the error that it met") {
        endpoint.server().on_loop([&] {
            endpoint.fake.syncs[0](Error{ErrorCode::unreachable, "connection refused", {}, {}});
        });
        const HttpAnswer answer = client.answer();
        check_problem(answer, 503, "unreachable");
        CHECK(answer.has("Retry-After: "));
    }
    endpoint.server().on_loop([&] { endpoint.fake.syncs.clear(); });
}

TEST_CASE("an enrollment is handed to the agent as it was sent") {
    Endpoint endpoint;
    endpoint.fake.snapshot.agent.team = "studio";
    const HttpAnswer answer = endpoint.on_socket(
        post("/v1/enroll", R"({"url":"https://account.example:9443","token":"mbt1.a.b","ca":"PEM"})"));
    CHECK(answer.status == 200);
    CHECK(json::parse(answer.body) == json::parse(R"({"agent":"agent-1","team":"studio"})"));
    REQUIRE(endpoint.fake.order);
    CHECK(endpoint.fake.order->url == "https://account.example:9443");
    CHECK(endpoint.fake.order->token == "mbt1.a.b");
    CHECK(endpoint.fake.order->ca_pem == "PEM");
}

TEST_CASE("an enrollment that the account refuses is told why") {
    Endpoint endpoint;
    endpoint.fake.enrolled = Error{ErrorCode::forbidden, "the token has ended", {}, {}};
    const HttpAnswer answer =
        endpoint.on_socket(post("/v1/enroll", R"({"url":"https://account.example","token":"mbt1.a.b"})"));
    check_problem(answer, 403, "forbidden");
    CHECK(detail_of(answer) == "the token has ended");
    CHECK(endpoint.fake.order->ca_pem.empty());
}

TEST_CASE("an order that can't be one never reaches the agent") {
    Endpoint endpoint;
    const auto order = [&](const std::string& body) { return endpoint.on_socket(post("/v1/enroll", body)); };
    check_problem(order(""), 400, "malformed");
    check_problem(order("[]"), 400, "malformed");
    check_problem(order(R"({"url":"https://a"})"), 400, "malformed");
    check_problem(order(R"({"url":7,"token":"t"})"), 400, "malformed");
    check_problem(order(R"({"url":"https://a","url":"https://b","token":"t"})"), 400, "malformed");
    check_problem(order(R"({"url":"http://a","token":"t"})"), 422, "invalid");
    check_problem(order(R"({"url":"https://a","token":""})"), 422, "invalid");
    check_problem(order(R"({"url":"https://a","token":")" + std::string(1'025, 't') + "\"}"), 422, "invalid");
    CHECK_FALSE(endpoint.fake.order);
    CHECK(order(R"({"url":"https://a","token":")" + std::string(1'024, 't') + "\"}").status == 200);
}

TEST_CASE("verify says what the journal's chain is like, and where it is broken") {
    Endpoint endpoint;
    endpoint.fake.report = {1, 7, 20, {8, "abcd"}, {}};
    CHECK(endpoint.on_socket(post("/v1/verify", "")).body ==
          R"({"ok":true,"first":1,"links":7,"events":20,"head":{"sequence":8,"hash":"abcd"},"broken":null})");
    endpoint.fake.report.broken = agent::ChainReport::Broken{5, "this link is missing"};
    const std::string broken = endpoint.on_socket(post("/v1/verify", "")).body;
    CHECK(broken.find(R"("ok":false)") != std::string::npos);
    CHECK(broken.find(R"("broken":{"sequence":5,"what":"this link is missing"})") != std::string::npos);
}
