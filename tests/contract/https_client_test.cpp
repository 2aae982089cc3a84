// HttpsClient against a scripted server on loopback: answers, kept connections, reconnecting, and a
// clear line for each way in which an account can be out of reach.
#include "platform/https/https_client.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <deque>

#include "core/limits.hpp"
#include "platform/https/connect_in_turn.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/tls_loopback.hpp"

using namespace meterbox;
using namespace meterbox::tests;
using platform::https::Endpoint;
using platform::https::HttpsClient;
using platform::https::Request;
using platform::https::Response;
namespace asio = boost::asio;

namespace {

constexpr std::int64_t timeout_ms = 20'000;

// For each connection a script: what is sent for the nth request, and how it ends after the last.
enum class Ending { close, cut, stay };
struct Script {
    std::vector<std::string> answers;
    Ending ending = Ending::close;
};

std::string answer_of(const std::string& body, const std::string& extra = "") {
    return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + extra +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

class ScriptedServer {
public:
    ScriptedServer(Loop& loop, ContextPointer context, std::deque<Script> scripts)
        : acceptor_(loop.io, {asio::ip::address_v4::loopback(), 0}),
          context_(std::move(context)),
          scripts_(std::move(scripts)) {
        accept();
    }
    std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
    void stop() { acceptor_.close(); }

    std::vector<std::string> requests;
    int connections = 0;
    int resumed = 0;
    int ended_in_order = 0;
    std::string last_failure;

private:
    struct Peer {
        Peer(tcp::socket socket, ContextPointer context, Script what)
            : stream(std::move(socket), std::move(context), {"", "127.0.0.1"}), script(std::move(what)) {}
        Stream stream;
        Script script;
        std::string chunk = std::string(4096, ' ');
        std::string received;
        std::size_t answered = 0;
    };

    void accept() {
        acceptor_.async_accept([this](boost::system::error_code error, tcp::socket socket) {
            if (error) return;
            ++connections;
            Script script = scripts_.empty() ? Script{} : scripts_.front();
            if (!scripts_.empty()) scripts_.pop_front();
            auto peer = std::make_shared<Peer>(std::move(socket), context_, std::move(script));
            peer->stream.async_handshake([this, peer](boost::system::error_code failed) {
                last_failure = peer->stream.failure();
                if (failed) return;
                resumed += peer->stream.resumed() ? 1 : 0;
                step(peer);
            });
            accept();
        });
    }
    void step(std::shared_ptr<Peer> peer) {
        if (peer->answered == peer->script.answers.size() && peer->script.ending != Ending::stay) {
            if (peer->script.ending == Ending::cut) return peer->stream.lowest_layer().close();
            peer->stream.async_shutdown(
                [peer](boost::system::error_code) { peer->stream.lowest_layer().close(); });
            return;
        }
        peer->stream.async_read_some(asio::buffer(peer->chunk),
                                     [this, peer](boost::system::error_code error, std::size_t count) {
                                         if (error == asio::error::eof) ++ended_in_order;
                                         if (error) return;
                                         peer->received.append(peer->chunk, 0, count);
                                         if (whole(peer->received))
                                             answer(peer);
                                         else
                                             step(peer);
                                     });
    }
    static bool whole(const std::string& text) {
        const std::size_t head = text.find("\r\n\r\n");
        const std::size_t length = text.find("Content-Length: ");
        if (head == std::string::npos) return false;
        const std::size_t body = length == std::string::npos ? 0 : std::stoul(text.substr(length + 16));
        return text.size() >= head + 4 + body;
    }
    void answer(std::shared_ptr<Peer> peer) {
        requests.push_back(std::exchange(peer->received, {}));
        if (peer->answered == peer->script.answers.size()) return step(peer);  // it never answers
        const std::string& text = peer->script.answers[peer->answered++];
        asio::async_write(peer->stream, asio::buffer(text),
                          [this, peer](boost::system::error_code, std::size_t) { step(peer); });
    }

    tcp::acceptor acceptor_;
    ContextPointer context_;
    std::deque<Script> scripts_;
};

struct Asked {
    Loop& loop;
    HttpsClient& client;
    core::Result<Response> operator()(const std::string& body, std::int64_t timeout = timeout_ms) const {
        bool done = false;
        core::Result<Response> result = Response{};
        client.async_exchange(Request{"POST", "/v1/sync", body}, timeout, [&](core::Result<Response> got) {
            done = true;
            result = std::move(got);
        });
        CHECK_FALSE(done);
        loop.until([&done] { return done; });
        return result;
    }
};

std::string detail(const core::Result<Response>& result) {
    REQUIRE(!result);
    CHECK(result.error().code == core::ErrorCode::unreachable);
    CHECK(result.error().detail.find('\n') == std::string::npos);
    return result.error().detail;
}

// Takes no connection any more: what comes waits for an answer as at a host that is switched off.
struct SilentAddress {
    explicit SilentAddress(Loop& loop) : acceptor(loop.io) {
        acceptor.open(tcp::v4());
        acceptor.bind({asio::ip::address_v4::loopback(), 0});
        acceptor.listen(0);
        waiting.emplace_back(loop.io).connect(acceptor.local_endpoint());
    }
    tcp::acceptor acceptor;
    std::deque<tcp::socket> waiting;
};

struct Connected {
    Connected(Loop& loop, std::vector<tcp::endpoint> addresses, std::chrono::seconds within)
        : socket(loop.io) {
        asio::co_spawn(loop.io,
                       platform::https::connect_in_turn(socket, std::move(addresses),
                                                        std::chrono::steady_clock::now() + within),
                       [this](std::exception_ptr, boost::system::error_code answer) {
                           done = true;
                           error = answer;
                       });
    }
    tcp::socket socket;
    bool done = false;
    boost::system::error_code error;
};

}  // namespace

TEST_CASE("a host's address that is silent keeps none of its other addresses from being tried") {
    Loop loop;
    const SilentAddress silent(loop);
    const tcp::acceptor answering(loop.io, {asio::ip::address_v4::loopback(), 0});
    const auto silence = silent.acceptor.local_endpoint();
    Connected connected(loop, {silence, silence, answering.local_endpoint()}, std::chrono::seconds(1));
    loop.until([&] { return connected.done; });
    CHECK(!connected.error);
    CHECK(connected.socket.remote_endpoint() == answering.local_endpoint());
}

TEST_CASE("no further address is tried once the socket is closed, and the last reason is told") {
    Loop loop;
    const SilentAddress silent(loop);
    tcp::acceptor closed(loop.io, {asio::ip::address_v4::loopback(), 0});
    const auto refusing = closed.local_endpoint();
    closed.close();
    Connected refused(loop, {silent.acceptor.local_endpoint(), refusing}, std::chrono::seconds(1));
    loop.until([&] { return refused.done; });
    CHECK(refused.error == asio::error::connection_refused);

    const auto silence = silent.acceptor.local_endpoint();
    Connected closing(loop, {silence, silence}, std::chrono::seconds(60));
    loop.drain();
    closing.socket.close();
    loop.until([&] { return closing.done; });
    CHECK(closing.error == asio::error::operation_aborted);
}

TEST_CASE("answers come over one kept connection, and leaving it is an orderly close") {
    const TlsWorld world;
    Loop loop;
    ScriptedServer server(
        loop, world.serving(),
        {{{answer_of("one"), answer_of("two"), "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"},
          Ending::stay}});
    {
        HttpsClient client(loop.io, {"127.0.0.1", server.port(), ""}, world.client());
        const Asked ask{loop, client};
        const Response first = ask("{\"a\":1}").value();
        CHECK(first.status == 200);
        CHECK(first.content_type == "application/json");
        CHECK(first.body == "one");
        CHECK(ask("{\"a\":2}").value().body == "two");
        CHECK(ask("").value().status == 503);
        CHECK_FALSE(client.busy());
    }
    CHECK(server.connections == 1);
    REQUIRE(server.requests.size() == 3);
    CHECK(server.requests[0].rfind("POST /v1/sync HTTP/1.1\r\nHost: 127.0.0.1:", 0) == 0);
    CHECK(server.requests[1].find("{\"a\":2}") != std::string::npos);
    loop.until([&server] { return server.ended_in_order == 1; });
}

TEST_CASE(
    "a kept connection that the server closed meanwhile is replaced, with a resumed session, unnoticed") {
    const TlsWorld world;
    for (const Ending ending : {Ending::close, Ending::cut}) {
        Loop loop;
        ScriptedServer server(loop, world.serving(),
                              {{{answer_of("one")}, ending}, {{answer_of("two")}, ending}});
        HttpsClient client(loop.io, {"127.0.0.1", server.port(), "localhost"}, world.client());
        const Asked ask{loop, client};
        CHECK(ask("1").value().body == "one");
        loop.drain();
        CHECK(ask("2").value().body == "two");
        CHECK(server.connections == 2);
        CHECK(server.resumed == 1);
        CHECK(server.requests.size() == 2);
    }
}

TEST_CASE("a server that asks for it, or a dropped client, makes a new connection for the next request") {
    const TlsWorld world;
    Loop loop;
    ScriptedServer server(loop, world.serving(),
                          {{{answer_of("one", "Connection: close\r\n")}, Ending::stay},
                           {{answer_of("two")}, Ending::stay},
                           {{answer_of("three")}}});
    HttpsClient client(loop.io, {"127.0.0.1", server.port(), "localhost"}, world.client());
    const Asked ask{loop, client};
    CHECK(ask("1").value().body == "one");
    CHECK(ask("2").value().body == "two");
    client.drop();
    CHECK(ask("3").value().body == "three");
    CHECK(server.connections == 3);
}

TEST_CASE("a new connection that ends before an answer is not tried again") {
    const TlsWorld world;
    Loop loop;
    ScriptedServer server(loop, world.serving(),
                          {{{}, Ending::close},
                           {{}, Ending::cut},
                           {{"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"}, Ending::cut},
                           {{"SSH-2.0-x\r\n\r\n"}, Ending::stay}});
    HttpsClient client(loop.io, {"127.0.0.1", server.port(), ""}, world.client());
    const Asked ask{loop, client};
    const std::string label = "127.0.0.1:" + std::to_string(server.port()) + ": ";
    CHECK(detail(ask("1")) == label + "the server closed the connection without an answer");
    CHECK(detail(ask("2")) == label + "the connection was cut before the whole answer was there");
    CHECK(detail(ask("3")) == label + "the connection was cut before the whole answer was there");
    CHECK(detail(ask("4")).rfind(label + "what answers there isn't an HTTP server", 0) == 0);
    CHECK(server.connections == 4);
}

TEST_CASE("an answer that doesn't come within the timeout is given up, and the next one works") {
    const TlsWorld world;
    Loop loop;
    ScriptedServer server(loop, world.serving(), {{{}, Ending::stay}, {{answer_of("late")}, Ending::stay}});
    HttpsClient client(loop.io, {"127.0.0.1", server.port(), ""}, world.client());
    const Asked ask{loop, client};
    CHECK(detail(ask("1", 300)).find("no answer within 300ms (waiting for the answer)") != std::string::npos);
    CHECK(ask("2").value().body == "late");
}

TEST_CASE("each way to be out of reach has its reason") {
    const TlsWorld world;
    Loop loop;
    ScriptedServer server(
        loop, world.serving(),
        {{{std::string("HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n")}, Ending::stay}});
    const std::uint16_t port = server.port();
    {
        HttpsClient client(loop.io, {"127.0.0.1", port, ""}, world.client());
        CHECK(detail(Asked{loop, client}("x")).find("longer than 1048576 bytes") != std::string::npos);
    }
    {
        HttpsClient client(loop.io, {"127.0.0.1", port, "account.example"}, world.client());
        CHECK(detail(Asked{loop, client}("x")) ==
              "certificate of 127.0.0.1:" + std::to_string(port) +
                  " is for localhost, 127.0.0.1, not for \"account.example\"");
    }
    {
        HttpsClient client(loop.io, {"no-such-host.invalid", port, ""}, world.client());
        CHECK(detail(Asked{loop, client}("x"))
                  .rfind("no-such-host.invalid:" + std::to_string(port) + ": unknown host", 0) == 0);
    }
    server.stop();
    {
        HttpsClient client(loop.io, {"127.0.0.1", port, ""}, world.client());
        CHECK(detail(Asked{loop, client}("x")) ==
              "127.0.0.1:" + std::to_string(port) + ": Connection refused");
    }
}

TEST_CASE("a client destroyed in the middle of an exchange, or in its completion, leaves nothing behind") {
    const TlsWorld world;
    Loop loop;
    ScriptedServer server(loop, world.serving(), {{{}, Ending::stay}, {{answer_of("one")}, Ending::stay}});
    bool called = false;
    {
        HttpsClient client(loop.io, {"127.0.0.1", server.port(), ""}, world.client());
        client.async_exchange(Request{"POST", "/", "x"}, timeout_ms,
                              [&called](core::Result<Response>) { called = true; });
        loop.until([&server] { return server.requests.size() == 1; });
    }
    loop.drain();
    CHECK_FALSE(called);
    auto client =
        std::make_unique<HttpsClient>(loop.io, Endpoint{"127.0.0.1", server.port(), ""}, world.client());
    client->async_exchange(Request{"POST", "/", "x"}, timeout_ms,
                           [&client](core::Result<Response>) { client.reset(); });
    loop.until([&client] { return client == nullptr; });
    loop.until([&server] { return server.ended_in_order == 1; });
}
