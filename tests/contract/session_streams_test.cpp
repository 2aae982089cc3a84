// A session whose product asks for it more than once before the first answer, as one does that has waited
// for long enough: the stream of its last request is what keeps it, and nothing else.
#include <poll.h>

#include <optional>

#include "agent/meter.hpp"
#include "agent/product_routes.hpp"
#include "platform/http/server.hpp"
#include "platform/system/identity_hash.hpp"
#include "platform/system/random.hpp"
#include "tests/contract/http_fixture.hpp"
#include "tests/contract/sessions_fixture.hpp"

using namespace meterbox;

namespace {

// The products' socket, with commits that are held until they are let go.
struct Products {
    tests::SessionsFixture agent{core::Enforcement::hard, platform::store::Placement::on_its_thread};
    agent::Meter meter{agent.time,
                       *agent.journal,
                       agent.store,
                       agent.balances,
                       platform::system::IdentityHasher{{}},
                       [this](const std::vector<std::string>& resources) { agent.published(resources); }};
    platform::system::SystemRandom random;
    agent::ProductRoutes routes{
        agent.time,
        agent.balances,
        meter,
        agent.sessions,
        random,
        {},
        {[] { return true; }, [](const auto& done) { done(); }, [] { return std::string{}; }}};
    platform::http::Server server{agent.loop, routes};
    std::string path = agent.folder / "products.sock";

    Products() {
        REQUIRE(server.listen_unix(path, "", 0600));
        agent.lease(50);
        agent.transactions.hold();
    }
    tests::HttpClient ask() {
        tests::HttpClient product{path};
        const std::string body = R"({"resource":"render","id":"x"})";
        product.send("POST /v1/sessions HTTP/1.1\r\nAccept: text/event-stream\r\nContent-Length: " +
                     std::to_string(body.size()) + "\r\n\r\n" + body);
        return product;
    }
    std::optional<tests::HttpClient> first() {
        std::optional<tests::HttpClient> product{ask()};
        agent.run_until([this] { return agent.sessions.active() == 1; });
        return product;
    }
    void give_up(std::optional<tests::HttpClient>& product) {
        const std::size_t left = server.connections() - 1;
        product.reset();
        agent.run_until([this, left] { return server.connections() == left; });
    }
    // Until its stream has begun.
    void hears(tests::HttpClient& product) {
        agent.run_until([&] { return heard(product); });
        product.until("event: state");
    }
    static bool heard(const tests::HttpClient& product) {
        pollfd descriptor{product.descriptor(), POLLIN, 0};
        return ::poll(&descriptor, 1, 0) == 1;
    }
    void let_go() {
        agent.transactions.let_go();
        agent.settle();
        agent.loop.poll();  // and what came of it
    }
};

}  // namespace

TEST_CASE("a request that its product gave up takes no session from the one that it made after it") {
    Products products;
    auto given_up = products.first();
    products.give_up(given_up);
    tests::HttpClient product = products.ask();
    products.hears(product);
    products.let_go();
    REQUIRE(products.agent.sessions.active() == 1);
    products.agent.clock.advance(3'000);
    products.agent.sessions.end("x", ::getuid(), [](const auto&) {});
    products.agent.run_until([&] { return products.agent.sessions.active() == 0; });
    products.agent.loop.poll();
    CHECK_NOTHROW(product.until(R"("state":"ended")"));
    CHECK(products.agent.metered() == core::Amount{3'000});
}

TEST_CASE("of two requests that are both heard the later one keeps the session") {
    Products products;
    auto earlier = products.first();
    std::optional<tests::HttpClient> later{products.ask()};
    products.hears(*later);
    products.let_go();
    products.agent.run_until([&] { return Products::heard(*earlier); });
    const auto closed = earlier->answer();
    CHECK(closed.status == 201);
    products.give_up(earlier);
    products.agent.loop.poll();
    CHECK(products.agent.sessions.list().size() == 1);
    products.give_up(later);
    products.agent.run_until([&] { return products.agent.sessions.active() == 0; });
}

TEST_CASE("a session of which its product heard by no request ends") {
    Products products;
    auto first = products.first();
    std::optional<tests::HttpClient> second;
    SECTION("of the only one") {}
    SECTION("of two, the first given up first") {
        products.give_up(first);
        second.emplace(products.ask());
        products.hears(*second);
    }
    if (first) products.give_up(first);
    if (second) products.give_up(second);
    products.let_go();
    products.agent.run_until([&] { return products.agent.sessions.active() == 0; });
    CHECK(products.agent.metered() == core::Amount{0});
}

TEST_CASE("a stream whose connection is gone takes no session from one that is open") {
    Products products;
    auto product = products.first();
    products.let_go();
    products.hears(*product);
    products.agent.sessions.attach(
        "x", std::make_shared<platform::http::EventStream>(std::weak_ptr<platform::http::Conversation>{},
                                                           products.agent.loop));
    products.agent.loop.poll();
    products.agent.settle();
    CHECK(products.agent.sessions.list().size() == 1);
    products.give_up(product);
    products.agent.run_until([&] { return products.agent.sessions.active() == 0; });
}
