// Server-sent events: delivery, and each way in which a stream may end.
#include <memory>
#include <vector>

#include "platform/http/unix_client.hpp"
#include "tests/contract/http_fixture.hpp"

using namespace meterbox;
using namespace meterbox::tests;

namespace {

// Starts a stream for each request to /events, and keeps it.
struct Streams {
    std::vector<std::shared_ptr<http::EventStream>> open;
    int closed = 0;

    HttpServer::Function handler() {
        return [this](const http::Request& request, http::Responder responder) {
            if (request.path() != "/events") {
                echo(request, std::move(responder));
                return;
            }
            auto stream = responder.start_events(201);
            stream->on_close([this] { ++closed; });
            stream->send("state", R"({"state":"active"})");
            open.push_back(std::move(stream));
        };
    }
};

std::string event(const std::string& name, const std::string& data) {
    return "event: " + name + "\ndata: " + data + "\n\n";
}

}  // namespace

TEST_CASE("a stream gives its events as they are sent, until it is closed") {
    Streams streams;
    HttpServer server(streams.handler());
    HttpClient client(server.path());
    client.send(get("/events"));
    const HttpAnswer head = client.answer();
    CHECK(head.status == 201);
    CHECK(head.has("Content-Type: text/event-stream\r\n"));
    CHECK(head.has("Cache-Control: no-store\r\n"));
    CHECK(client.until("\n\n") == event("state", R"({"state":"active"})"));
    server.on_loop([&] { CHECK(streams.open[0]->send("state", "two\nlines")); });
    CHECK(client.until("\n\n") == "event: state\ndata: two\ndata: lines\n\n");
    server.on_loop([&] {
        streams.open[0]->send("state", "last");
        streams.open[0]->close();
        CHECK_FALSE(streams.open[0]->is_open());
        CHECK_FALSE(streams.open[0]->send("state", "after the end"));
    });
    CHECK(client.rest() == event("state", "last"));
    client.close();
    CHECK(server.becomes([&] { return streams.closed == 1; }));
}

TEST_CASE("a request behind a stream that waits to be told to go on is told nothing") {
    std::vector<http::Responder> held;
    HttpServer server(
        [&](const http::Request&, http::Responder responder) { held.push_back(std::move(responder)); });
    HttpClient client(server.path());
    client.send(get("/events") + "POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    REQUIRE(server.becomes([&] { return held.size() == 1; }));
    server.on_loop([&] {
        const auto stream = held[0].start_events();
        stream->send("state", "last");
        stream->close();
    });
    CHECK(client.answer().status == 200);
    CHECK(client.rest() == event("state", "last"));
}

TEST_CASE("a stream whose client dies is known to be gone at once, without anything being sent") {
    Streams streams;
    HttpServer server(streams.handler());
    HttpClient client(server.path());
    client.send(get("/events"));
    client.until("\n\n");
    client.close();
    CHECK(server.becomes([&] { return streams.closed == 1; }));
    server.on_loop([&] {
        CHECK_FALSE(streams.open[0]->is_open());
        CHECK_FALSE(streams.open[0]->send("state", "x"));
        CHECK(server.server().connections() == 0);
    });
}

TEST_CASE("a stream goes on for a client that ended its sending side, and ends when it is gone") {
    Streams streams;
    HttpServer server(streams.handler());
    HttpClient client(server.path());
    client.send(get("/events"));
    client.end_sending();
    client.until("\n\n");
    server.on_loop([&] { streams.open[0]->send("state", "still here"); });
    CHECK(client.until("\n\n") == event("state", "still here"));
    client.close();
    CHECK(server.becomes([&] { return streams.closed == 1; }));
}

TEST_CASE("what is sent after a stream's request is ignored") {
    Streams streams;
    int handled = 0;
    HttpServer server([&](const http::Request& request, http::Responder responder) {
        ++handled;
        streams.handler()(request, std::move(responder));
    });
    HttpClient client(server.path());
    client.send(get("/first") + get("/events") + get("/ignored") + "nonsense\r\n\r\n");
    CHECK(client.answer().body == "GET /first ");
    client.until("\n\n");
    client.send("more nonsense");
    server.on_loop([&] { streams.open[0]->send("state", "x"); });
    CHECK(client.until("\n\n") == event("state", "x"));
    server.on_loop([&] { CHECK(handled == 2); });
}

TEST_CASE("a stream waits for the answers that are owed before it") {
    std::vector<http::Responder> held;
    Streams streams;
    HttpServer server([&](const http::Request& request, http::Responder responder) {
        if (request.path() == "/held") {
            held.push_back(std::move(responder));
        } else {
            streams.handler()(request, std::move(responder));
        }
    });
    HttpClient client(server.path());
    client.send(get("/held") + get("/events"));
    REQUIRE(server.becomes([&] { return streams.open.size() == 1; }));
    server.on_loop([&] {
        streams.open[0]->send("state", "second");
        held[0].send(200, "text/plain", "first");
    });
    CHECK(client.answer().body == "first");
    CHECK(client.answer().status == 201);
    CHECK(client.until("\n\n") == event("state", R"({"state":"active"})"));
    CHECK(client.until("\n\n") == event("state", "second"));
}

TEST_CASE("a stream that starts later drops the requests behind it, and their late answers") {
    std::vector<http::Responder> held;
    std::shared_ptr<http::EventStream> stream;
    HttpServer server(
        [&](const http::Request&, http::Responder responder) { held.push_back(std::move(responder)); });
    HttpClient client(server.path());
    client.send(get("/events") + get("/behind") + get("/behind"));
    REQUIRE(server.becomes([&] { return held.size() == 3; }));
    server.on_loop([&] {
        held[2].send(200, "text/plain", "too early");
        stream = held[0].start_events();
        held[1].send(200, "text/plain", "too late");
        stream->send("state", "x");
        stream.reset();  // the last handle: closed
    });
    CHECK(client.answer().status == 200);
    CHECK(client.rest() == event("state", "x"));
}

TEST_CASE("a stream asked for behind another is closed at once, and the first one keeps its own end") {
    std::vector<http::Responder> held;
    std::vector<std::shared_ptr<http::EventStream>> streams;
    std::vector<int> closed(2);
    const std::size_t first = GENERATE(0, 1);  // of the two requests, whose stream is started first
    HttpServer server(
        [&](const http::Request&, http::Responder responder) { held.push_back(std::move(responder)); });
    HttpClient client(server.path());
    client.send(get("/events") + get("/events"));
    REQUIRE(server.becomes([&] { return held.size() == 2; }));
    server.on_loop([&] {
        for (const std::size_t request : {first, 1 - first}) {
            streams.push_back(held[request].start_events());
            streams.back()->on_close([&closed, place = streams.size() - 1] { ++closed[place]; });
        }
        CHECK_FALSE(streams[1]->is_open());
        CHECK_FALSE(streams[1]->send("state", "into the other's answer"));
        streams[0]->send("state", "x");
    });
    CHECK(client.answer().status == (first == 0 ? 200 : 409));
    if (first == 1) CHECK(client.answer().status == 200);
    CHECK(client.until("\n\n") == event("state", "x"));
    CHECK(server.becomes([&] { return closed == std::vector{0, 1}; }));
    client.close();
    CHECK(server.becomes([&] { return closed == std::vector{1, 1}; }));
}

TEST_CASE("a stream whose client doesn't read is dropped once too much is unsent") {
    http::Limits limits;
    limits.unsent_bytes_max = 100'000;
    Streams streams;
    HttpServer server(streams.handler(), limits);
    HttpClient client(server.path());
    client.send(get("/events"));
    client.until("\n\n");
    const std::string data(10'000, 'x');
    bool open = true;
    while (open) server.on_loop([&] { open = streams.open[0]->send("state", data); });
    CHECK(server.becomes([&] { return streams.closed == 1; }));
    server.on_loop([&] { CHECK(server.server().connections() == 0); });
}

TEST_CASE("a stream is told when the server stops") {
    Streams streams;
    {
        HttpServer server(streams.handler());
        HttpClient client(server.path());
        client.send(get("/events"));
        client.until("\n\n");
        server.on_loop([&] { server.server().stop(); });
        CHECK(client.rest().empty());
        CHECK(server.becomes([&] { return streams.closed == 1; }));
        bool late = false;
        server.on_loop([&] { streams.open[0]->on_close([&] { late = true; }); });
        CHECK(server.becomes([&] { return late; }));
    }
    streams.open.clear();  // after the server
}

TEST_CASE("HEAD of a stream is its header alone") {
    Streams streams;
    HttpServer server(streams.handler());
    HttpClient client(server.path());
    client.send("HEAD /events HTTP/1.1\r\n\r\n");
    CHECK(client.answer().status == 201);
    CHECK(client.rest().empty());
}

TEST_CASE("many streams are all told, and all found gone") {
    Streams streams;
    http::Limits limits;
    HttpServer server(streams.handler(), limits);
    std::vector<HttpClient> clients;
    for (int i = 0; i < 400; ++i) {
        clients.emplace_back(server.path());
        clients.back().send(get("/events"));
    }
    for (HttpClient& client : clients) client.until("\n\n");
    server.on_loop([&] {
        for (const auto& stream : streams.open) stream->send("state", "stop");
    });
    for (HttpClient& client : clients) CHECK(client.until("\n\n") == event("state", "stop"));
    clients.clear();
    CHECK(server.becomes([&] { return streams.closed == 400; }));
}

TEST_CASE("the command line's reader gives each event once, and says when the stream has ended") {
    Streams streams;
    HttpServer server(streams.handler());
    auto reader = http::open_events_unix(server.path(), {"POST", "/events", {}, "application/json", "{}"},
                                         std::chrono::milliseconds(patience_ms));
    REQUIRE(reader);
    CHECK(reader->response().status == 201);
    REQUIRE(reader->is_stream());
    const auto next = [&] {
        auto found = reader->next();
        while (!found && !reader->ended()) {
            pollfd descriptor{reader->fd(), POLLIN, 0};
            REQUIRE(::poll(&descriptor, 1, patience_ms) == 1);
            found = reader->next();
        }
        return found;
    };
    auto first = next();
    REQUIRE(first);
    CHECK(first->event == "state");
    CHECK(first->data == R"({"state":"active"})");
    CHECK_FALSE(reader->next());
    CHECK_FALSE(reader->ended());
    server.on_loop([&] {
        streams.open[0]->send("state", "a\nb");
        streams.open[0]->send("ended", "c");
        streams.open[0]->close();
    });
    CHECK(next()->data == "a\nb");
    CHECK(next()->event == "ended");
    CHECK_FALSE(next());
    CHECK(reader->ended());
}

TEST_CASE("an answer that is not a stream is read whole by the command line's reader") {
    HttpServer server([](const http::Request&, http::Responder responder) {
        responder.send(core::Error{core::ErrorCode::not_found, "no such thing", {}, {}});
    });
    const auto reader =
        http::open_events_unix(server.path(), {"POST", "/events"}, std::chrono::milliseconds(patience_ms));
    REQUIRE(reader);
    CHECK_FALSE(reader->is_stream());
    CHECK(reader->response().status == 404);
    CHECK(reader->response().body.find("no such thing") != std::string::npos);
}
