// The HTTP server over TLS: the same answers, the client's certificate known to the handler, and no
// patience for clients that don't finish their handshake.
#include <sys/socket.h>

#include <functional>
#include <vector>

#include "platform/http/tls_server.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/tls_loopback.hpp"

using namespace meterbox;
using namespace meterbox::tests;
namespace http = platform::http;
namespace asio = boost::asio;

namespace {

struct Handler final : http::Handler {
    std::function<void(const http::Request&, http::Responder)> function;
    void handle(const http::Request& request, http::Responder responder) override {
        function(request, std::move(responder));
    }
};

// A server on the test's loop; function is its handler.
struct TlsHttpServer {
    TlsHttpServer(Loop& loop, const TlsWorld& world, ClientAuth client_auth = ClientAuth::optional,
                  http::Limits limits = {})
        : server(loop.io, handler, limits) {
        handler.function = [](const http::Request& request, http::Responder responder) {
            responder.send(200, "text/plain",
                           std::string(request.path()) + " " + std::string(request.body()));
        };
        ServerOptions options = world.server_options();
        options.client_auth = client_auth;
        const auto on_failure = [this](const std::string&, const std::string& why) {
            failures.push_back(why);
        };
        context = TlsContext::server(options).value();
        REQUIRE(http::listen_tls(
            server, "127.0.0.1", 0, [this] { return context; }, on_failure));
    }
    Handler handler;
    ContextPointer context;
    std::vector<std::string> failures;
    http::Server server;
};

// What the server listens with is found by its port; sockets that it accepts inherit the size.
void shrink_send_buffers(const http::Server& server) {
    constexpr int descriptors_max = 256;
    for (int descriptor = 0; descriptor < descriptors_max; ++descriptor) {
        tcp::endpoint here;
        socklen_t size = static_cast<socklen_t>(here.capacity());
        if (::getsockname(descriptor, here.data(), &size) != 0) continue;
        here.resize(size);
        if (here.port() != server.port()) continue;
        const int bytes = 1;  // as few as the system lets it be
        REQUIRE(::setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes) == 0);
        return;
    }
    FAIL("nothing listens there");
}

struct TlsClient {
    TlsClient(Loop& on, ContextPointer context, std::uint16_t port)
        : TlsClient(on, std::move(context), connected(on, port)) {}
    TlsClient(Loop& on, ContextPointer context, tcp::socket socket)
        : loop(on), stream(std::move(socket), std::move(context), {"localhost", "localhost"}) {}

    static tcp::socket connected(Loop& loop, std::uint16_t port) {
        tcp::socket socket(loop.io);
        socket.connect({asio::ip::address_v4::loopback(), port});
        return socket;
    }
    bool handshake() {
        Outcome outcome;
        stream.async_handshake(outcome.handler());
        loop.until_done(outcome);
        return !outcome.error;
    }
    void send(const std::string& text) {
        Outcome outcome;
        asio::async_write(stream, asio::buffer(text), outcome.handler());
        loop.until_done(outcome);
        CHECK(!outcome.error);
    }
    // Reads until the mark; everything up to the end if it doesn't come.
    std::string until(const std::string& mark) {
        while (input.find(mark) == std::string::npos && !ended) {
            std::string chunk(16 * 1024, '\0');
            Outcome outcome;
            stream.async_read_some(asio::buffer(chunk), outcome.handler());
            loop.until_done(outcome);
            input.append(chunk, 0, outcome.count);
            ended = outcome.error;
        }
        const std::size_t found = input.find(mark);
        const std::size_t size = found == std::string::npos ? input.size() : found + mark.size();
        std::string text = input.substr(0, size);
        input.erase(0, size);
        return text;
    }

    Loop& loop;
    Stream stream;
    std::string input;
    boost::system::error_code ended;
};

const std::string close_header = "Connection: close\r\n";

std::string get(const std::string& path, const std::string& headers = "") {
    return "GET " + path + " HTTP/1.1\r\n" + headers + "\r\n";
}

bool ends_with_answer(const std::string& text, const std::string& body) {
    return text.starts_with("HTTP/1.1 200 OK\r\n") && text.ends_with("\r\n\r\n" + body);
}

}  // namespace

TEST_CASE("requests over TLS are answered on a kept connection, pipelined, and closed in good order") {
    Loop loop;
    TlsWorld world;
    TlsHttpServer server(loop, world);
    TlsClient client(loop, world.client(), server.server.port());
    REQUIRE(client.handshake());
    client.send(get("/a") + get("/b"));
    CHECK(ends_with_answer(client.until("/a "), "/a "));
    CHECK(ends_with_answer(client.until("/b "), "/b "));
    client.send(get("/c", close_header));
    CHECK(ends_with_answer(client.until("nothing more"), "/c "));
    CHECK(client.ended == asio::error::eof);
}

TEST_CASE("long bodies and long answers go over TLS") {
    Loop loop;
    TlsWorld world;
    TlsHttpServer server(loop, world);
    server.handler.function = [](const http::Request& request, http::Responder responder) {
        responder.send(200, "text/plain", std::string(request.body()) + "END");
    };
    TlsClient client(loop, world.client(), server.server.port());
    REQUIRE(client.handshake());
    const std::string body(1'000'000, 'x');
    client.send("POST / HTTP/1.1\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    CHECK(ends_with_answer(client.until("END"), body + "END"));
}

TEST_CASE("the handler knows the client's certificate, and whether it is valid") {
    Loop loop;
    TlsWorld world;
    TlsHttpServer server(loop, world);
    http::Peer seen;
    auto verdict = platform::tls::VerifyResult::Verdict::refused;
    server.handler.function = [&](const http::Request& request, http::Responder responder) {
        seen = request.peer();
        verdict = http::verify_result_of(request.peer())->verdict;
        responder.send(200, "text/plain", "ok");
    };
    const auto ask = [&](const ClientOptions& options) {
        TlsClient client(loop, TlsContext::client(options).value(), server.server.port());
        REQUIRE(client.handshake());
        client.send(get("/"));
        client.until("ok");
    };
    using platform::tls::VerifyResult;

    ask(world.client_options());
    CHECK(verdict == VerifyResult::Verdict::valid);
    CHECK(seen.certificate_fingerprint ==
          platform::tls::certificate_info(world.agent.certificate)->fingerprint);
    CHECK(seen.certificate_subject == "O=team-a, CN=agent-1");
    CHECK(seen.certificate_problem.empty());
    CHECK(seen.address.starts_with("127.0.0.1:"));
    CHECK_FALSE(seen.uid);

    ClientOptions without = world.client_options();
    without.certificate_pem = without.key_pem = "";
    ask(without);
    CHECK(verdict == VerifyResult::Verdict::none);
    CHECK(seen.certificate_fingerprint.empty());

    const Credentials expired = world.issue_agent(world.now + -core::day_ms, world.now + -core::hour_ms);
    ClientOptions old = world.client_options();
    old.certificate_pem = expired.certificate;
    old.key_pem = expired.key;
    ask(old);
    CHECK(verdict == VerifyResult::Verdict::expired);
    CHECK(seen.certificate_problem.find("expired") != std::string::npos);
}

TEST_CASE("a client refused at the handshake is reported with the reason, and the server goes on") {
    Loop loop;
    TlsWorld world;
    TlsHttpServer server(loop, world, ClientAuth::required);
    ClientOptions without = world.client_options();
    without.certificate_pem = without.key_pem = "";
    TlsClient refused(loop, TlsContext::client(without).value(), server.server.port());
    refused.handshake();
    loop.until([&] { return server.failures.size() == 1 && server.server.connections() == 0; });
    CHECK_FALSE(server.failures[0].empty());

    tcp::socket plain = TlsClient::connected(loop, server.server.port());
    asio::write(plain, asio::buffer(get("/not-tls")));
    loop.until([&] { return server.failures.size() == 2 && server.server.connections() == 0; });

    TlsClient client(loop, world.client(), server.server.port());
    REQUIRE(client.handshake());
    client.send(get("/a"));
    CHECK(ends_with_answer(client.until("/a "), "/a "));
}

TEST_CASE("a client that doesn't finish its handshake is dropped after the request's time") {
    Loop loop;
    TlsWorld world;
    http::Limits limits;
    limits.request_timeout_ms = 40;
    TlsHttpServer server(loop, world, ClientAuth::optional, limits);
    tcp::socket silent = TlsClient::connected(loop, server.server.port());
    loop.until([&] { return server.server.connections() == 1; });
    loop.until([&] { return server.server.connections() == 0; });
}

TEST_CASE("connections that never finish their handshake keep nobody out") {
    Loop loop;
    TlsWorld world;
    http::Limits limits;
    limits.connections_max = 3;
    limits.yields_idle = true;
    TlsHttpServer server(loop, world, ClientAuth::optional, limits);
    std::vector<tcp::socket> silent;
    const auto connect_silent = [&] { silent.push_back(TlsClient::connected(loop, server.server.port())); };
    const auto ended = [&](tcp::socket& socket) {
        char byte = 0;
        Outcome outcome;
        asio::async_read(socket, asio::buffer(&byte, 1), outcome.handler());
        loop.until_done(outcome);
        return outcome.error == asio::error::eof;
    };
    for (int i = 0; i < 3; ++i) connect_silent();
    loop.until([&] { return server.server.connections() == 3; });
    TlsClient client(loop, world.client(), server.server.port());
    REQUIRE(client.handshake());
    CHECK(ended(silent[0]));
    client.send(get("/a"));
    CHECK(ends_with_answer(client.until("/a "), "/a "));
    CHECK(server.server.connections() == 3);
    connect_silent();
    CHECK(ended(silent[1]));
    client.send(get("/b"));
    CHECK(ends_with_answer(client.until("/b "), "/b "));
}

TEST_CASE("over TLS a connection far over the limit is closed, without a word in clear") {
    Loop loop;
    TlsWorld world;
    http::Limits limits;
    limits.connections_max = 1;
    TlsHttpServer server(loop, world, ClientAuth::optional, limits);
    std::vector<tcp::socket> silent;
    const std::size_t kept = 1 + core::limits::refused_connections_max;
    for (std::size_t i = 0; i < kept; ++i) silent.push_back(TlsClient::connected(loop, server.server.port()));
    loop.until([&] { return server.server.connections() == kept; });
    tcp::socket more = TlsClient::connected(loop, server.server.port());
    char byte = 0;
    Outcome outcome;
    asio::async_read(more, asio::buffer(&byte, 1), outcome.handler());
    loop.until_done(outcome);
    CHECK(outcome.error == asio::error::eof);
    CHECK(outcome.count == 0);
    CHECK(server.server.connections() == kept);
}

TEST_CASE("a client that reads nothing keeps no connection, whichever answer finds its socket full") {
    Loop loop;
    TlsWorld world;
    http::Limits limits;
    limits.write_timeout_ms = 5'000;
    TlsHttpServer server(loop, world, ClientAuth::optional, limits);
    shrink_send_buffers(server.server);
    std::size_t asked = 0;
    server.handler.function = [&](const http::Request& request, http::Responder responder) {
        responder.send(200, "text/plain", request.path());
        ++asked;
    };
    std::vector<std::unique_ptr<TlsClient>> clients;
    // One answer after the other, or all would be written as one.
    const auto ask = [&](std::size_t answers, const std::string& path) {
        tcp::socket socket(loop.io, tcp::v4());
        socket.set_option(asio::socket_base::receive_buffer_size(1));
        socket.connect({asio::ip::address_v4::loopback(), server.server.port()});
        clients.push_back(std::make_unique<TlsClient>(loop, world.client(), std::move(socket)));
        REQUIRE(clients.back()->handshake());
        for (asked = 0; asked < answers;) {
            const std::size_t before = asked;
            clients.back()->send(get(path, asked + 1 == answers ? close_header : ""));
            loop.until([&] { return asked > before; });
        }
    };
    for (std::size_t answers = 1; answers <= 12; ++answers) {
        for (std::size_t size = 1; size <= 400; size += 40) ask(answers, "/" + std::string(size, 'x'));
    }
    loop.until([&] { return server.server.connections() == 0; });
}

TEST_CASE("a client that is gone without a word takes its connection with it") {
    Loop loop;
    TlsWorld world;
    TlsHttpServer server(loop, world);
    std::vector<http::Responder> held;
    server.handler.function = [&](const http::Request&, http::Responder responder) {
        held.push_back(std::move(responder));
    };
    {
        TlsClient client(loop, world.client(), server.server.port());
        REQUIRE(client.handshake());
        client.send(get("/"));
        loop.until([&] { return held.size() == 1; });
    }
    loop.until([&] { return server.server.connections() == 0; });
    held[0].send(200, "text/plain", "nobody reads this");
}

TEST_CASE("a stopped server ends connections in whatever state they are") {
    Loop loop;
    TlsWorld world;
    TlsHttpServer server(loop, world);
    TlsClient shaken(loop, world.client(), server.server.port());
    REQUIRE(shaken.handshake());
    tcp::socket silent = TlsClient::connected(loop, server.server.port());
    loop.until([&] { return server.server.connections() == 2; });
    server.server.stop();
    CHECK(server.server.connections() == 0);
    shaken.until("nothing");
    CHECK(shaken.ended);
}
