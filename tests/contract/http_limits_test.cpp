// What the HTTP server does with clients that break the rules or its limits: an answer that says so
// where one can be given, bounded memory, and the daemon goes on.
#include <sys/resource.h>

#include <atomic>
#include <vector>

#include "tests/contract/http_fixture.hpp"

using namespace meterbox;
using namespace meterbox::tests;

namespace {

constexpr std::size_t header_max = core::limits::header_bytes_max;
constexpr std::size_t body_max = core::limits::body_bytes_max;
constexpr std::size_t dropped_max = core::limits::dropped_body_bytes_max;

void answer_size(const http::Request& request, http::Responder responder) {
    responder.send(200, "text/plain", std::to_string(request.body().size()));
}

std::string with_header_of(std::size_t bytes) {
    const std::string begin = "GET / HTTP/1.1\r\nX-Long: ";
    return begin + std::string(bytes - begin.size() - 4, 'x') + "\r\n\r\n";
}

std::string chunked_of(std::size_t bytes, std::size_t chunk) {
    std::string text = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (; bytes > 0; bytes -= std::min(bytes, chunk)) {
        const std::size_t size = std::min(bytes, chunk);
        char line[32];
        std::snprintf(line, sizeof line, "%zx\r\n", size);
        text += line + std::string(size, 'c') + "\r\n";
    }
    return text + "0\r\n\r\n";
}

void check_problem(const HttpAnswer& answer, int status, const std::string& name) {
    CHECK(answer.status == status);
    CHECK(answer.has("Content-Type: application/problem+json\r\n"));
    CHECK(answer.body.find("\"urn:meterbox:error:" + name + "\"") != std::string::npos);
}

}  // namespace

TEST_CASE("what is not HTTP is 400 malformed, and the connection is closed") {
    HttpServer server(answer_size);
    for (const std::string& request : std::vector<std::string>{
             "hello\r\n\r\n",
             "GET / HTTP/2.0\r\n\r\n",
             "GET /\r\n\r\n",
             "GET / HTTP/1.1\nHost: x\n\n",
             "GET / HTTP/1.1\r\nno colon\r\n\r\n",
             "GET / HTTP/1.1\r\n: empty\r\n\r\n",
             "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
             "POST / HTTP/1.1\r\nContent-Length: 1x\r\n\r\n",
             "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n",
             "POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
             "POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
             "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
             "POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\nabc",
             "POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
             "POST / HTTP/1.1\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
             "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
             "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
             "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabcd\r\n",
             "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
             "GET /%zz HTTP/1.1\r\n\r\n",
             std::string("\0\0\0\0\r\n\r\n", 8)}) {
        INFO(request);
        HttpClient client(server.path());
        client.send(request);
        const HttpAnswer answer = client.answer();
        check_problem(answer, 400, "malformed");
        CHECK(answer.has("Connection: close\r\n"));
        CHECK(client.rest().empty());
    }
    CHECK(HttpClient(server.path()).ask(get("/")).status == 200);
}

TEST_CASE("what came before something malformed is still answered first") {
    HttpServer server(answer_size);
    HttpClient client(server.path());
    client.send(post("/", "12345") + "nonsense\r\n\r\n" + get("/"));
    CHECK(client.answer().body == "5");
    check_problem(client.answer(), 400, "malformed");
    CHECK(client.rest().empty());
}

TEST_CASE("a header of 16 KiB is taken, one byte more is 431") {
    HttpServer server(answer_size);
    HttpClient client(server.path());
    CHECK(client.ask(with_header_of(header_max)).status == 200);
    CHECK(client.ask(with_header_of(header_max) + get("/")).status == 200);
    CHECK(client.answer().status == 200);
    const HttpAnswer answer = client.ask(with_header_of(header_max + 1));
    check_problem(answer, 431, "too-large");
    CHECK(client.rest().empty());
}

TEST_CASE("a header that never ends is 431 as soon as it is too long, however it comes") {
    HttpServer server(answer_size);
    for (const std::string& line : {std::string("X-Short: y\r\n"), std::string(4096, 'x')}) {
        HttpClient client(server.path());
        client.send("GET / HTTP/1.1\r\n");
        for (std::size_t sent = 0; sent <= header_max; sent += line.size()) client.send(line);
        check_problem(client.answer(), 431, "too-large");
    }
}

TEST_CASE("a body of 1 MiB is taken, one byte more is 413, and the connection goes on") {
    HttpServer server(answer_size);
    HttpClient client(server.path());
    CHECK(client.ask(post("/", std::string(body_max, 'x'))).body == std::to_string(body_max));
    CHECK(client.ask(chunked_of(body_max, 10'000)).body == std::to_string(body_max));
    check_problem(client.ask(post("/", std::string(body_max + 1, 'x'))), 413, "too-large");
    CHECK(client.ask(post("/", "usable")).body == "6");
    check_problem(client.ask(chunked_of(body_max + 1, 10'000)), 413, "too-large");
    CHECK(client.ask(post("/", "usable")).body == "6");
    check_problem(client.ask(post("/", std::string(dropped_max, 'x'))), 413, "too-large");
    CHECK(client.ask(post("/", "usable")).body == "6");
}

TEST_CASE("413 is said at once, before the body has come") {
    HttpServer server(answer_size);
    HttpClient client(server.path());
    const std::string size = std::to_string(body_max + 1);
    client.send("POST / HTTP/1.1\r\nContent-Length: " + size + "\r\n\r\n");
    check_problem(client.answer(), 413, "too-large");
    CHECK(client.ask(std::string(body_max + 1, 'x') + get("/")).status == 200);
}

TEST_CASE("a client that waits for 100 Continue with too long a body is told 413 instead") {
    HttpServer server(answer_size);
    HttpClient client(server.path());
    const std::string size = std::to_string(body_max + 1);
    client.send("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: " + size + "\r\n\r\n");
    const HttpAnswer answer = client.answer();
    check_problem(answer, 413, "too-large");
    CHECK(answer.has("Connection: close\r\n"));
}

TEST_CASE("a body without end is read 8 MiB far so that the client sees its 413, then the connection ends") {
    HttpServer server(answer_size);
    SECTION("announced") {
        HttpClient client(server.path());
        client.send("POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n");
        CHECK(client.send(std::string(dropped_max - body_max, 'x')));
        const HttpAnswer answer = client.answer();
        check_problem(answer, 413, "too-large");
        CHECK(answer.has("Connection: close\r\n"));
        const std::string more(64 * 1024, 'x');
        while (client.send(more)) {
        }
    }
    SECTION("chunked") {
        HttpClient client(server.path());
        client.send("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
        const std::string chunk = "10000\r\n" + std::string(0x10000, 'x') + "\r\n";
        for (std::size_t sent = 0; sent <= body_max; sent += 0x10000) CHECK(client.send(chunk));
        check_problem(client.answer(), 413, "too-large");
        while (client.send(chunk)) {
        }
    }
    CHECK(server.becomes([&] { return server.server().connections() == 0; }));
}

TEST_CASE("the frames of chunks and their trailers are bounded") {
    HttpServer server(answer_size);
    for (const std::string& begin : {std::string("1;x="), std::string("0\r\nX: ")}) {
        HttpClient client(server.path());
        client.send("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + begin);
        const std::string more(1024, 'y');
        for (std::size_t sent = 0; sent <= header_max; sent += more.size()) client.send(more);
        CHECK(client.answer().status >= 400);
        CHECK(client.rest().empty());
    }
}

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
