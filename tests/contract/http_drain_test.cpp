// How a server ends: what it took is answered, what it didn't take is not begun, and it ends in time.
#include <atomic>
#include <vector>

#include "tests/contract/http_fixture.hpp"

using namespace meterbox;
using namespace meterbox::tests;

namespace {

constexpr std::int64_t long_enough_ms = patience_ms;

// A server that keeps what it is asked until the test answers.
struct Keeping {
    std::vector<http::Responder> held;
    std::atomic<bool> drained = false;
    HttpServer server{
        [this](const http::Request&, http::Responder responder) { held.push_back(std::move(responder)); }};

    void drain(std::int64_t timeout_ms) {
        server.on_loop([&] { server.server().drain(timeout_ms, [this] { drained = true; }); });
    }
    bool holds(std::size_t count) {
        return server.becomes([&] { return held.size() == count; });
    }
};

}  // namespace

TEST_CASE("a server that drains answers what it took, says that it closes, and closes") {
    Keeping keeping;
    HttpClient client(keeping.server.path());
    client.send(get("/1") + get("/2"));
    REQUIRE(keeping.holds(2));
    keeping.drain(long_enough_ms);
    CHECK_FALSE(keeping.drained);
    keeping.server.on_loop([&] { keeping.held[1].send(200, "text/plain", "two"); });
    keeping.server.on_loop([&] { keeping.held[0].send(200, "text/plain", "one"); });
    const HttpAnswer first = client.answer();
    CHECK(first.body == "one");
    CHECK_FALSE(first.has("Connection: close"));
    const HttpAnswer second = client.answer();
    CHECK(second.body == "two");
    CHECK(second.has("Connection: close"));
    CHECK(client.rest().empty());
    CHECK(keeping.server.becomes([&] { return keeping.drained.load(); }));
}

TEST_CASE("a server that drains begins no request, however much of it has come") {
    Keeping keeping;
    HttpClient idle(keeping.server.path());
    HttpClient half(keeping.server.path());
    HttpClient busy(keeping.server.path());
    const std::string whole = post("/half", "0123456789");
    half.send(std::string_view(whole).substr(0, whole.size() - 3));
    busy.send(get("/taken"));
    REQUIRE(keeping.holds(1));
    REQUIRE(keeping.server.becomes([&] { return keeping.server.server().connections() == 3; }));
    keeping.drain(long_enough_ms);
    half.send(std::string_view(whole).substr(whole.size() - 3));
    busy.send(get("/not-taken"));
    CHECK(idle.rest().empty());
    CHECK(half.rest().empty());
    CHECK_THROWS(HttpClient(keeping.server.path()));
    keeping.server.on_loop([&] { keeping.held[0].send(200, "text/plain", "taken"); });
    CHECK(busy.answer().body == "taken");
    CHECK(busy.rest().empty());
    CHECK(keeping.held.size() == 1);
    CHECK(keeping.server.becomes([&] { return keeping.drained.load(); }));
}

TEST_CASE("a server without connections has drained at once") {
    Keeping keeping;
    keeping.drain(long_enough_ms);
    CHECK(keeping.server.becomes([&] { return keeping.drained.load(); }));
}

TEST_CASE("a server drains in time, though an answer never comes") {
    Keeping keeping;
    HttpClient client(keeping.server.path());
    client.send(get("/"));
    REQUIRE(keeping.holds(1));
    keeping.drain(1);
    CHECK(keeping.server.becomes([&] { return keeping.drained.load(); }));
    CHECK(keeping.held[0].is_connected());  // what remains is its owner's business
    keeping.server.on_loop([&] { keeping.held.clear(); });
}
