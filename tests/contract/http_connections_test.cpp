// How long the HTTP server waits for whom, and how many it keeps at once: clients that are silent, slow or
// too many, and nobody else pays for them.
#include <sys/resource.h>

#include <atomic>
#include <vector>

#include "tests/contract/http_limits_fixture.hpp"

using namespace meterbox;
using namespace meterbox::tests;

TEST_CASE("half a request and silence is answered with 400 after the request's time, and closed") {
    http::Limits limits;
    limits.request_timeout_ms = 40;
    HttpServer server(answer_size, limits);
    for (const std::string& half :
         {std::string("GET / HT"), std::string("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab"),
          std::string("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab")}) {
        HttpClient client(server.path());
        client.send(half);
        const HttpAnswer answer = client.answer();
        check_problem(answer, 400, "malformed");
        CHECK(answer.body.find("not complete within") != std::string::npos);
        CHECK(client.rest().empty());
    }
}

TEST_CASE("a request that breaks off is answered with 400") {
    HttpServer server(answer_size);
    HttpClient client(server.path());
    client.send("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab");
    client.end_sending();
    check_problem(client.answer(), 400, "malformed");
    CHECK(client.rest().empty());
}

TEST_CASE("a connection without requests is closed after its time, one that waits for its answer is not") {
    http::Limits limits;
    limits.idle_timeout_ms = 40;
    std::vector<http::Responder> held;
    HttpServer server(
        [&](const http::Request&, http::Responder responder) { held.push_back(std::move(responder)); },
        limits);
    HttpClient waiting(server.path());
    waiting.send(get("/"));
    HttpClient idle(server.path());
    CHECK(idle.rest().empty());
    server.on_loop([&] {
        REQUIRE(held.size() == 1);
        held[0].send(200, "text/plain", "late");
    });
    CHECK(waiting.answer().body == "late");
    CHECK(waiting.rest().empty());
}

TEST_CASE(
    "a client that doesn't read its answers is dropped after the time to write, holding bounded memory") {
    http::Limits limits;
    limits.write_timeout_ms = 80;
    limits.unsent_bytes_max = 256 * 1024;
    std::atomic<int> handled{0};
    HttpServer server(
        [&](const http::Request&, http::Responder responder) {
            ++handled;
            responder.send(200, "text/plain", std::string(64 * 1024, 'z'));
        },
        limits);
    HttpClient client(server.path());
    std::string requests;
    for (int i = 0; i < 200; ++i) requests += get("/");
    client.send(requests);
    CHECK(server.becomes([&] { return handled > 0 && server.server().connections() == 0; }));
    CHECK(handled < 20);  // 13 MB were asked for, 256 KiB and what the kernel holds were made
}

TEST_CASE("a client that reads slowly gets all of its answers") {
    http::Limits limits;
    limits.unsent_bytes_max = 100'000;
    HttpServer server(
        [&](const http::Request&, http::Responder responder) {
            responder.send(200, "text/plain", std::string(64 * 1024, 'z'));
        },
        limits);
    HttpClient client(server.path());
    std::string requests;
    for (int i = 0; i < 200; ++i) requests += get("/");
    client.send(requests);
    for (int i = 0; i < 200; ++i) REQUIRE(client.answer().body.size() == 64 * 1024);
}

TEST_CASE("connections up to the limit are served, one more is told 429, and the others go on") {
    http::Limits limits;
    limits.connections_max = 3;
    HttpServer server(answer_size, limits);
    std::vector<HttpClient> clients;
    for (int i = 0; i < 3; ++i) {
        clients.emplace_back(server.path());
        CHECK(clients.back().ask(get("/")).status == 200);
    }
    HttpClient more(server.path());
    const HttpAnswer answer = more.ask(get("/"));
    check_problem(answer, 429, "too-many");
    CHECK(answer.has("Retry-After: "));
    CHECK(more.rest().empty());
    more.close();
    for (HttpClient& client : clients) CHECK(client.ask(get("/")).status == 200);
    clients.pop_back();
    REQUIRE(server.becomes([&] { return server.server().connections() == 2; }));
    CHECK(HttpClient(server.path()).ask(get("/")).status == 200);
}

TEST_CASE("bodies that wait for their answers are bounded in bytes, on a connection and over all") {
    http::Limits limits;
    limits.held_bytes_max = 100;
    limits.all_held_bytes_max = 250;
    std::vector<http::Responder> kept;
    std::size_t most = 0;
    HttpServer server(
        [&](const http::Request&, http::Responder responder) {
            kept.push_back(std::move(responder));
            most = std::max(most, kept.size());
        },
        limits);
    std::vector<HttpClient> clients;
    const auto ask = [&] {
        std::string requests;
        for (int i = 0; i < 20; ++i) requests += post("/", std::string(60, 'b'));
        clients.emplace_back(server.path());
        clients.back().send(requests);
    };
    ask();
    REQUIRE(server.becomes([&] { return kept.size() == 2; }));  // 120 bytes of one
    for (int i = 0; i < 3; ++i) ask();
    REQUIRE(server.becomes([&] { return kept.size() == 5; }));  // 300 of all
    std::size_t answered = 0;
    REQUIRE(server.becomes([&] {
        for (http::Responder& responder : std::exchange(kept, {})) {
            responder.send(200, "text/plain", "ok");
            ++answered;
        }
        return answered == 80;
    }));
    CHECK(most == 5);
    for (HttpClient& client : clients)
        for (int i = 0; i < 20; ++i) CHECK(client.answer().status == 200);
}

TEST_CASE("where the idle give way, one connection more takes the place of the one that was idle longest") {
    http::Limits limits;
    limits.connections_max = 2;
    limits.yields_idle = true;
    std::vector<http::Responder> kept;
    HttpServer server(
        [&](const http::Request& request, http::Responder responder) {
            if (request.path() == "/keep") return kept.push_back(std::move(responder));
            echo(request, std::move(responder));
        },
        limits);
    HttpClient busy(server.path());
    busy.send(get("/keep"));
    REQUIRE(server.becomes([&] { return kept.size() == 1; }));
    HttpClient idle(server.path());
    CHECK(idle.ask(get("/")).status == 200);
    HttpClient more(server.path());
    CHECK(more.ask(get("/")).status == 200);
    CHECK(idle.rest().empty());
    server.on_loop([&] { kept[0].send(200, "text/plain", "at last"); });
    CHECK(busy.answer().body == "at last");
    HttpClient refused(server.path());  // in place of `more` or `busy`, both idle now
    CHECK(refused.ask(get("/")).status == 200);
    server.on_loop([&] { kept.clear(); });
}

TEST_CASE("connections far over the limit are turned away without being kept") {
    http::Limits limits;
    limits.connections_max = 1;
    HttpServer server(answer_size, limits);
    std::vector<HttpClient> clients;
    const std::size_t kept = 1 + core::limits::refused_connections_max;
    for (std::size_t i = 0; i < kept + 20; ++i) clients.emplace_back(server.path());
    for (std::size_t i = kept; i < clients.size(); ++i) check_problem(clients[i].answer(), 429, "too-many");
    server.on_loop([&] { CHECK(server.server().connections() == kept); });
    CHECK(clients[0].ask(get("/")).status == 200);
}

TEST_CASE("without descriptors left connections wait, and are served once there are some") {
    HttpServer server(answer_size);
    rlimit usual{};
    ::getrlimit(RLIMIT_NOFILE, &usual);
    std::vector<int> taken;
    std::promise<void> full;
    std::promise<void> waiting;
    boost::asio::post(server.context(), [&] {
        waiting.set_value();
        full.get_future().wait();
    });
    waiting.get_future().wait();
    HttpClient client(server.path());
    HttpClient second(server.path());
    rlimit low = usual;
    low.rlim_cur = 64;
    ::setrlimit(RLIMIT_NOFILE, &low);
    for (int copy = ::dup(0); copy >= 0; copy = ::dup(0)) taken.push_back(copy);
    full.set_value();
    // The accept that was under way has failed once the loop goes round.
    server.on_loop([] {});
    server.on_loop([&] { CHECK(server.server().connections() == 0); });
    for (const int copy : taken) ::close(copy);
    ::setrlimit(RLIMIT_NOFILE, &usual);
    CHECK(client.ask(get("/")).status == 200);
    CHECK(second.ask(get("/")).status == 200);
}

TEST_CASE("a server without connections is never woken") {
    http::Limits limits;
    limits.idle_timeout_ms = limits.request_timeout_ms = limits.write_timeout_ms = 40;
    TemporaryFolder folder;
    const std::string path = (folder / "s").string();
    struct Handler final : http::Handler {
        bool called = false;
        void handle(const http::Request& request, http::Responder responder) override {
            called = true;
            answer_size(request, std::move(responder));
        }
    } handler;
    boost::asio::io_context context;
    http::Server server(context, handler, limits);
    REQUIRE(server.listen_unix(path, "", 0600));
    {
        HttpClient client(path);
        client.send(get("/"));
        while (!handler.called) context.run_one();
        CHECK(client.answer().status == 200);
    }
    while (server.connections() > 0) context.run_one();
    context.run_for(std::chrono::milliseconds(100));  // the timer that was set may still end
    CHECK(context.run_for(std::chrono::milliseconds(200)) == 0);
}
