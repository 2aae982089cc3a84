// What clients may expect of the HTTP server when they keep to HTTP/1.1, over a real Unix socket.
#include <vector>

#include "tests/contract/http_fixture.hpp"

using namespace meterbox;
using namespace meterbox::tests;

namespace {

const std::string chunked_request =
    "POST /chunked HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    "4;name=value\r\nWiki\r\n5\r\npedia\r\n0\r\nTrailer: x\r\n\r\n";

}  // namespace

TEST_CASE("a kept connection answers request after request") {
    HttpServer server(echo);
    HttpClient client(server.path());
    CHECK(client.ask(get("/a")).body == "GET /a ");
    CHECK(client.ask(post("/b", "xyz")).body == "POST /b xyz");
    CHECK(client.ask(chunked_request).body == "POST /chunked Wikipedia");
    CHECK(client.ask(post("/empty", "")).body == "POST /empty ");
}

TEST_CASE("a request is understood however its bytes are split") {
    HttpServer server(echo);
    const std::string whole = post("/one", "body of one") + chunked_request + get("/two?x=1");
    for (std::size_t cut = 1; cut < whole.size(); ++cut) {
        HttpClient client(server.path());
        client.send(std::string_view(whole).substr(0, cut));
        // The loop has read the first part once it has answered somebody else.
        HttpClient other(server.path());
        other.ask(get("/"));
        client.send(std::string_view(whole).substr(cut));
        CHECK(client.answer().body == "POST /one body of one");
        CHECK(client.answer().body == "POST /chunked Wikipedia");
        CHECK(client.answer().body == "GET /two ");
    }
}

TEST_CASE("a request that comes byte by byte is understood") {
    HttpServer server(echo);
    HttpClient client(server.path());
    HttpClient other(server.path());
    for (const char byte : post("/slow", "1234") + chunked_request) {
        client.send(std::string_view(&byte, 1));
        other.ask(get("/"));
    }
    CHECK(client.answer().body == "POST /slow 1234");
    CHECK(client.answer().body == "POST /chunked Wikipedia");
}

TEST_CASE("a thousand requests sent at once are answered in their order, though handled out of order") {
    std::vector<std::pair<std::string, http::Responder>> held;
    HttpServer server([&](const http::Request& request, http::Responder responder) {
        held.emplace_back(std::string(request.path()), std::move(responder));
        if (held.size() < 100) return;
        while (!held.empty()) {
            held.back().second.send(200, "text/plain", held.back().first);
            held.pop_back();
        }
    });
    HttpClient client(server.path());
    std::string requests;
    for (int i = 0; i < 1000; ++i) requests += get("/" + std::to_string(i));
    client.send(requests);
    for (int i = 0; i < 1000; ++i) {
        REQUIRE(client.answer().body == "/" + std::to_string(i));
    }
}

TEST_CASE("no more requests are taken from a connection than may be owed, until some are answered") {
    http::Limits limits;
    limits.pipelined_requests_max = 10;
    std::vector<http::Responder> held;
    HttpServer server(
        [&](const http::Request&, http::Responder responder) { held.push_back(std::move(responder)); },
        limits);
    HttpClient client(server.path());
    std::string requests;
    for (int i = 0; i < 25; ++i) requests += get("/");
    client.send(requests);
    REQUIRE(server.becomes([&] { return held.size() == 10; }));
    HttpClient other(server.path());
    other.send(get("/"));
    REQUIRE(server.becomes([&] { return held.size() == 11; }));  // the other's alone
    std::size_t answered = 0;
    while (answered < 26) {
        server.on_loop([&] {
            answered += held.size();
            for (http::Responder& responder : std::exchange(held, {})) responder.send(200, "text/plain", "x");
        });
    }
    for (int i = 0; i < 25; ++i) CHECK(client.answer().status == 200);
    CHECK(other.answer().status == 200);
}

TEST_CASE("an answer may come later, from the loop") {
    std::vector<http::Responder> held;
    HttpServer server(
        [&](const http::Request&, http::Responder responder) { held.push_back(std::move(responder)); });
    HttpClient client(server.path());
    client.send(get("/later"));
    REQUIRE(server.becomes([&] { return held.size() == 1; }));
    server.on_loop([&] { held[0].send({201, "text/plain", "made", {{"Location", "/made/1"}}}); });
    const HttpAnswer answer = client.answer();
    CHECK(answer.status == 201);
    CHECK(answer.has("Location: /made/1\r\n"));
    CHECK(answer.body == "made");
}

TEST_CASE("an answer to a client that is gone harms nobody") {
    std::vector<http::Responder> held;
    HttpServer server([&](const http::Request& request, http::Responder responder) {
        if (request.path() == "/hold") {
            held.push_back(std::move(responder));
        } else {
            echo(request, std::move(responder));
        }
    });
    HttpClient gone(server.path());
    gone.send(get("/hold"));
    REQUIRE(server.becomes([&] { return held.size() == 1; }));
    gone.close();
    REQUIRE(server.becomes([&] { return server.server().connections() == 0; }));
    server.on_loop([&] {
        CHECK_FALSE(held[0].is_connected());
        held[0].send(200, "text/plain", "nobody reads this");
    });
    CHECK(HttpClient(server.path()).ask(get("/next")).status == 200);
}

TEST_CASE("a request that its handler forgets is answered with 500") {
    HttpServer server([](const http::Request&, http::Responder) {});
    HttpClient client(server.path());
    const HttpAnswer answer = client.ask(get("/"));
    CHECK(answer.status == 500);
    CHECK(answer.body.find("urn:meterbox:error:internal") != std::string::npos);
    CHECK(client.ask(get("/")).status == 500);
}

TEST_CASE("a client that ends its sending side still gets its answers") {
    std::vector<http::Responder> held;
    HttpServer server(
        [&](const http::Request&, http::Responder responder) { held.push_back(std::move(responder)); });
    HttpClient client(server.path());
    client.send(get("/1") + get("/2"));
    client.end_sending();
    REQUIRE(server.becomes([&] { return held.size() == 2; }));
    server.on_loop([&] {
        held[1].send(200, "text/plain", "two");
        held[0].send(200, "text/plain", "one");
    });
    CHECK(client.answer().body == "one");
    CHECK(client.answer().body == "two");
    CHECK(client.rest().empty());
}

TEST_CASE("Connection: close closes after the answer, and what follows it is not handled") {
    int handled = 0;
    HttpServer server([&](const http::Request& request, http::Responder responder) {
        ++handled;
        echo(request, std::move(responder));
    });
    HttpClient client(server.path());
    client.send("GET /last HTTP/1.1\r\nConnection: close\r\n\r\n" + get("/ignored"));
    const HttpAnswer answer = client.answer();
    CHECK(answer.has("Connection: close\r\n"));
    CHECK(answer.body == "GET /last ");
    CHECK(client.rest().empty());
    server.on_loop([&] { CHECK(handled == 1); });
}

TEST_CASE("HTTP/1.0 closes after the answer unless it asks to keep the connection") {
    HttpServer server(echo);
    HttpClient once(server.path());
    CHECK(once.ask("GET /a HTTP/1.0\r\n\r\n").has("Connection: close\r\n"));
    CHECK(once.rest().empty());
    HttpClient kept(server.path());
    const std::string request = "GET /b HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
    CHECK(kept.ask(request).has("Connection: keep-alive\r\n"));
    CHECK(kept.ask(request).status == 200);
}

TEST_CASE("HEAD gives the header of the answer to GET, without its body") {
    HttpServer server(echo);
    HttpClient client(server.path());
    client.send("HEAD /a HTTP/1.1\r\n\r\n" + get("/b"));
    const HttpAnswer head = client.answer(true);
    CHECK(head.status == 200);
    CHECK(head.has("Content-Length: 7\r\n"));
    CHECK(client.answer().body == "GET /b ");
}

TEST_CASE("204 has neither body nor length") {
    HttpServer server([](const http::Request&, http::Responder responder) {
        responder.send({204, "", "", {}});
    });
    HttpClient client(server.path());
    client.send(get("/") + get("/"));
    const HttpAnswer answer = client.answer();
    CHECK(answer.status == 204);
    CHECK_FALSE(answer.has("Content-Length"));
    CHECK(client.answer().status == 204);
}

TEST_CASE("a client that waits for 100 Continue is told to go on, after the answers owed before") {
    std::vector<http::Responder> held;
    HttpServer server([&](const http::Request& request, http::Responder responder) {
        if (request.path() == "/first") {
            held.push_back(std::move(responder));
        } else {
            echo(request, std::move(responder));
        }
    });
    const std::string head = "POST /big HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
    HttpClient client(server.path());
    client.send(head);
    CHECK(client.until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
    CHECK(client.ask("abc").body == "POST /big abc");

    client.send(get("/first") + head);
    REQUIRE(server.becomes([&] { return held.size() == 1; }));
    server.on_loop([&] { held[0].send(200, "text/plain", "first"); });
    CHECK(client.answer().body == "first");
    CHECK(client.until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
    CHECK(client.ask("abc").body == "POST /big abc");

    CHECK(client.ask(head + "abc").body == "POST /big abc");  // it didn't wait: nothing is said
}

TEST_CASE("path and query are decoded, header names don't mind their case") {
    HttpServer server([](const http::Request& request, http::Responder responder) {
        responder.send(
            200, "text/plain",
            std::string(request.path()) + "|" + std::string(request.raw_path()) + "|" +
                request.query("from").value_or("none") + "|" + request.query("a b").value_or("none") + "|" +
                request.query("empty").value_or("none") + "|" + request.query("missing").value_or("none") +
                "|" + std::string(request.header("X-Thing").value_or("none")));
    });
    HttpClient client(server.path());
    client.send(
        "GET /v1/a%2Fb%20c?from=2026-11-23T00:00:00+01:00&a%20b=%C3%A9&empty HTTP/1.1\r\n"
        "x-THING:  spaced \r\n\r\n");
    CHECK(client.answer().body == "/v1/a/b c|/v1/a%2Fb%20c|2026-11-23T00:00:00+01:00|\xC3\xA9||none|spaced");
    client.send("GET http://localhost:9480/abs?from=x HTTP/1.1\r\n\r\n");
    CHECK(client.answer().body == "/abs|/abs|x|none|none|none|none");
    client.send("GET http://localhost:9480?from=a/b HTTP/1.1\r\n\r\n");
    CHECK(client.answer().body == "/|/|a/b|none|none|none|none");
    client.send("GET http://localhost:9480 HTTP/1.1\r\n\r\n");
    CHECK(client.answer().body == "/|/|none|none|none|none|none");
}

TEST_CASE("a query that asks for something else than was meant has a problem") {
    HttpServer server([](const http::Request& request, http::Responder responder) {
        responder.send(200, "text/plain", request.query_problem({"from", "a b"}).value_or("none"));
    });
    HttpClient client(server.path());
    const auto problem = [&](const char* target) { return client.ask(get(target)).body; };
    CHECK(problem("/") == "none");
    CHECK(problem("/?") == "none");
    CHECK(problem("/?from=x&a%20b=1") == "none");
    CHECK(problem("/?from=x&") == "none");
    CHECK(problem("/?from=a=b") == "none");
    CHECK(problem("/?frm=x") == "there is no parameter frm: from, a b");
    CHECK(problem("/?from=x&&") == "none");
    CHECK(problem("/?=") == "there is no parameter : from, a b");
    CHECK(problem("/?from=x&=y") == "there is no parameter : from, a b");
    CHECK(problem("/?from=x&from=x") == "from: it is given twice");
    CHECK(problem("/?from=x&fro%6d=x") == "from: it is given twice");
    CHECK(problem("/?from=") == "from: it is empty; leave it out, or give it a value");
    CHECK(problem("/?from") == "from: it is empty; leave it out, or give it a value");
    CHECK(problem("/?from=%4").starts_with("from: a percent sign has two hexadecimal digits"));
}

TEST_CASE("a line break in a header's value can't start another header") {
    HttpServer server([](const http::Request&, http::Responder responder) {
        responder.send({200, "text/plain", "x", {{"X-Echo", "a\r\nX-Forged: b"}}});
    });
    HttpClient client(server.path());
    CHECK(client.ask(get("/")).has("X-Echo: a  X-Forged: b\r\n"));
}

TEST_CASE("empty lines before a request are passed over") {
    HttpServer server(echo);
    HttpClient client(server.path());
    CHECK(client.ask("\r\n\r\n" + get("/a")).body == "GET /a ");
    client.send("\r");
    CHECK(client.ask("\n" + get("/b")).body == "GET /b ");
}

TEST_CASE("the peer of a Unix socket is who connected") {
    HttpServer server([](const http::Request& request, http::Responder responder) {
        const http::Peer& peer = request.peer();
        responder.send(
            200, "text/plain",
            std::to_string(*peer.uid) + " " + std::to_string(*peer.gid) + " " + std::to_string(*peer.pid));
    });
    CHECK(HttpClient(server.path()).ask(get("/")).body ==
          std::to_string(::getuid()) + " " + std::to_string(::getgid()) + " " + std::to_string(::getpid()));
}

TEST_CASE("a responder may outlive the server, and the loop") {
    std::vector<http::Responder> held;
    {
        HttpServer server(
            [&](const http::Request&, http::Responder responder) { held.push_back(std::move(responder)); });
        HttpClient client(server.path());
        client.send(get("/1") + get("/2"));
        REQUIRE(server.becomes([&] { return held.size() == 2; }));
    }
    held[0].send(200, "text/plain", "too late");
    CHECK_FALSE(held[1].is_connected());
}
