// What the HTTP server takes of one request, and what it answers where that is broken or too long: what says
// so where it can be said, with bounded memory, and the daemon goes on.
#include <vector>

#include "tests/contract/http_limits_fixture.hpp"

using namespace meterbox;
using namespace meterbox::tests;

namespace {

constexpr std::size_t header_max = core::limits::header_bytes_max;
constexpr std::size_t body_max = core::limits::body_bytes_max;
constexpr std::size_t dropped_max = core::limits::dropped_body_bytes_max;

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
