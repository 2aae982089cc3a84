// TlsStream over TCP and over a stream that splits and fails where it is told to: does it keep what
// Asio promises of an AsyncStream, and does it say truthfully how a connection ended?
#include "platform/tls/tls_stream.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/_experimental/test/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/stream_traits.hpp>
#include <boost/beast/http.hpp>

#include "tests/support/catch.hpp"
#include "tests/support/tls_loopback.hpp"

using namespace meterbox;
using namespace meterbox::tests;
using meterbox::platform::tls::TlsError;
namespace asio = boost::asio;
namespace beast = boost::beast;

namespace {

static_assert(beast::is_async_stream<Stream>::value);
static_assert(std::is_same_v<beast::lowest_layer_type<Stream>, tcp::socket>);

std::string text_of_size(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i % 23);
    return text;
}

asio::awaitable<void> echo(Stream& stream) {
    std::string chunk(5'000, '\0');
    co_await stream.async_handshake(asio::use_awaitable);
    for (int i = 0; i < 3; ++i) {
        const std::size_t count = co_await stream.async_read_some(asio::buffer(chunk), asio::use_awaitable);
        co_await asio::async_write(stream, asio::buffer(chunk, count), asio::use_awaitable);
    }
    co_await stream.async_shutdown(asio::use_awaitable);
}

}  // namespace

TEST_CASE("a coroutine on one side and callbacks on the other echo over TCP and close in good order") {
    const TlsWorld world;
    Loop loop;
    StreamPair pair(loop, world.client(), world.serving());
    bool echoed = false;
    asio::co_spawn(loop.io, echo(pair.server), [&echoed](std::exception_ptr failure) { echoed = !failure; });
    pair.client.async_handshake(pair.client_shaken.handler());
    loop.until_done(pair.client_shaken);
    REQUIRE_FALSE(pair.client_shaken.error);
    CHECK(pair.client.protocol().rfind("TLSv1.", 0) == 0);
    for (const std::string text : {"a", "second", "third"}) {
        Outcome written;
        Outcome read;
        std::string answer(text.size(), ' ');
        asio::async_write(pair.client, asio::buffer(text), written.handler());
        asio::async_read(pair.client, asio::buffer(answer), read.handler());
        loop.until_done(read);
        CHECK(written.count == text.size());
        CHECK(answer == text);
    }
    Outcome end;
    std::string more(10, ' ');
    pair.client.async_read_some(asio::buffer(more), end.handler());
    loop.until_done(end);
    CHECK(end.error == asio::error::eof);
    loop.until([&] { return echoed; });
}

TEST_CASE("a connection cut without close_notify reads as truncated, not as an end") {
    const TlsWorld world;
    Loop loop;
    StreamPair pair(loop, world.client(), world.serving());
    REQUIRE(pair.handshake());
    pair.server.lowest_layer().close();
    Outcome end;
    std::string more(10, ' ');
    pair.client.async_read_some(asio::buffer(more), end.handler());
    loop.until_done(end);
    CHECK(end.error == TlsError::stream_truncated);
    CHECK(end.error.message() == "connection cut without TLS close_notify");
}

TEST_CASE("a read that is cancelled loses nothing that comes after it") {
    const TlsWorld world;
    Loop loop;
    StreamPair pair(loop, world.client(), world.serving());
    REQUIRE(pair.handshake());
    Outcome first;
    asio::cancellation_signal signal;
    std::string got(100, ' ');
    pair.client.async_read_some(asio::buffer(got),
                                asio::bind_cancellation_slot(signal.slot(), first.handler()));
    loop.drain();
    CHECK_FALSE(first.done);
    signal.emit(asio::cancellation_type::total);
    loop.until_done(first);
    CHECK(first.error == asio::error::operation_aborted);
    CHECK(first.count == 0);

    Outcome written;
    Outcome second;
    asio::async_write(pair.server, asio::buffer("still here", 10), written.handler());
    pair.client.async_read_some(asio::buffer(got), second.handler());
    loop.until_done(second);
    CHECK_FALSE(second.error);
    CHECK(got.substr(0, second.count) == "still here");
}

TEST_CASE("a read that is cancelled in the middle of a record goes on with that record") {
    const TlsWorld world;
    Loop loop;
    SocketPair sockets(loop);
    Stream client(std::move(sockets.near), world.client(), {"localhost", "localhost:9443"});
    TlsEngine server(world.serving(), {"", "test"});
    Outcome shaken;
    client.async_handshake(shaken.handler());
    const auto serve = [&] {
        if (sockets.far.available() > 0 && server.handshake() == TlsEngine::Answer::want_read) {
            const auto space = server.input_space();
            server.input_received(sockets.far.read_some(asio::buffer(space.data(), space.size())));
        }
        REQUIRE(server.handshake() != TlsEngine::Answer::failed);
        if (const auto output = server.output(); !output.empty()) {
            asio::write(sockets.far, asio::buffer(output.data(), output.size()));
            server.output_sent(output.size());
        }
    };
    loop.until([&] {
        loop.drain();
        serve();
        return shaken.done;
    });
    REQUIRE_FALSE(shaken.error);

    std::size_t taken = 0;
    const std::string text = "one record";
    REQUIRE(server.write(std::as_bytes(std::span(text)), taken) == TlsEngine::Answer::done);
    const auto record = server.output();
    std::string got(100, ' ');
    Outcome first;
    asio::cancellation_signal signal;
    client.async_read_some(asio::buffer(got), asio::bind_cancellation_slot(signal.slot(), first.handler()));
    asio::write(sockets.far, asio::buffer(record.data(), 12));
    loop.until([&] {
        loop.drain();
        return client.lowest_layer().available() == 0;
    });
    signal.emit(asio::cancellation_type::total);
    loop.until_done(first);
    CHECK(first.error == asio::error::operation_aborted);

    asio::write(sockets.far, asio::buffer(record.data() + 12, record.size() - 12));
    Outcome second;
    client.async_read_some(asio::buffer(got), second.handler());
    loop.until_done(second);
    CHECK(got.substr(0, second.count) == text);
}

TEST_CASE("1 MB each way at the same time arrives whole") {
    const TlsWorld world;
    Loop loop;
    StreamPair pair(loop, world.client(), world.serving());
    REQUIRE(pair.handshake());
    const std::string up = text_of_size(1'000'003);
    const std::string down = text_of_size(1'100'001);
    std::string up_got(up.size(), ' ');
    std::string down_got(down.size(), ' ');
    Outcome done[4];
    asio::async_write(pair.client, asio::buffer(up), done[0].handler());
    asio::async_write(pair.server, asio::buffer(down), done[1].handler());
    asio::async_read(pair.server, asio::buffer(up_got), done[2].handler());
    asio::async_read(pair.client, asio::buffer(down_got), done[3].handler());
    loop.until([&done] { return done[0].done && done[1].done && done[2].done && done[3].done; });
    CHECK(up_got == up);
    CHECK(down_got == down);
}

TEST_CASE("a session is resumed over TCP") {
    const TlsWorld world;
    Loop loop;
    const ContextPointer client = world.client();
    const ContextPointer server = world.serving();
    StreamPair first(loop, client, server);
    REQUIRE(first.handshake());
    CHECK_FALSE(first.client.resumed());
    StreamPair second(loop, client, server);
    REQUIRE(second.handshake());
    CHECK(second.client.resumed());
    CHECK(second.server.resumed());
    CHECK(second.server.peer_certificate()->common_name == "agent-1");
}

TEST_CASE("operations never complete within their own start, and empty buffers complete with 0") {
    const TlsWorld world;
    Loop loop;
    StreamPair pair(loop, world.client(), world.serving());
    REQUIRE(pair.handshake());
    Outcome nothing_read;
    Outcome nothing_written;
    pair.client.async_read_some(asio::mutable_buffer(), nothing_read.handler());
    pair.client.async_write_some(asio::const_buffer(), nothing_written.handler());
    CHECK_FALSE(nothing_read.done);
    CHECK_FALSE(nothing_written.done);
    loop.until([&] { return nothing_read.done && nothing_written.done; });
    CHECK(nothing_read.count == 0);
    CHECK_FALSE(nothing_read.error);

    Outcome written;
    asio::async_write(pair.server, asio::buffer("ab", 2), written.handler());
    std::string letter(1, ' ');
    Outcome one;
    pair.client.async_read_some(asio::buffer(letter), one.handler());
    loop.until_done(one);
    Outcome two;  // its byte is decrypted already
    pair.client.async_read_some(asio::buffer(letter), two.handler());
    CHECK_FALSE(two.done);
    loop.until_done(two);
    CHECK(letter == "b");
}

TEST_CASE("small buffers of one write travel in one record") {
    const TlsWorld world;
    Loop loop;
    StreamPair pair(loop, world.client(), world.serving());
    REQUIRE(pair.handshake());
    const std::array<asio::const_buffer, 4> pieces{asio::buffer("head", 4), asio::const_buffer(),
                                                   asio::buffer("er: ", 4), asio::buffer("value", 5)};
    Outcome written;
    pair.client.async_write_some(pieces, written.handler());
    loop.until_done(written);
    CHECK(written.count == 13);
    std::string got(64, ' ');
    Outcome read;
    pair.server.async_read_some(asio::buffer(got), read.handler());
    loop.until_done(read);
    CHECK(got.substr(0, read.count) == "header: value");
}

TEST_CASE("Beast reads and writes messages over it as over any stream") {
    namespace http = beast::http;
    const TlsWorld world;
    Loop loop;
    StreamPair pair(loop, world.client(), world.serving());
    REQUIRE(pair.handshake());
    http::request<http::string_body> request(http::verb::post, "/v1/sync", 11, text_of_size(100'000));
    request.prepare_payload();
    Outcome written;
    http::async_write(pair.client, request, written.handler());
    http::request<http::string_body> got;
    beast::flat_buffer buffer;
    Outcome read;
    http::async_read(pair.server, buffer, got, read.handler());
    loop.until_done(read);
    CHECK_FALSE(read.error);
    CHECK(got.body() == request.body());
    beast::close_socket(beast::get_lowest_layer(pair.client));
    CHECK_FALSE(pair.client.lowest_layer().is_open());
}

namespace {

using MemoryStream = platform::tls::TlsStream<beast::test::stream>;

struct MemoryRun {
    bool handshake_done = false;
    bool echo_done = false;
    bool both_ended = false;
};

// Handshake and one echo over memory, in pieces, with the client's nth operation on the wire failing.
MemoryRun run_in_memory(const ContextPointer& client_context, const ContextPointer& server_context,
                        std::size_t piece, std::size_t fail_at) {
    Loop loop;
    beast::test::fail_count count(fail_at);
    beast::test::stream near(loop.io, count);
    beast::test::stream far(loop.io);
    near.connect(far);
    near.read_size(piece);
    near.write_size(piece);
    far.read_size(piece);
    far.write_size(piece);
    MemoryStream client(std::move(near), client_context, {"localhost", "localhost:9443"});
    MemoryStream server(std::move(far), server_context, {"", "test"});
    Outcome client_end;
    Outcome server_end;
    MemoryRun run;
    std::string received(5, ' ');
    std::string returned(5, ' ');
    client.async_handshake([&](boost::system::error_code error) {
        if (error) {
            client.next_layer().close();
            client_end.done = true;
            return;
        }
        run.handshake_done = true;
        asio::async_write(client, asio::buffer("hello", 5),
                          [&](boost::system::error_code write_error, std::size_t) {
                              if (write_error) client.next_layer().close();
                              asio::async_read(client, asio::buffer(returned),
                                               [&](boost::system::error_code read_error, std::size_t) {
                                                   run.echo_done = !read_error && returned == "hello";
                                                   client.next_layer().close();
                                                   client_end.done = true;
                                               });
                          });
    });
    server.async_handshake([&](boost::system::error_code error) {
        if (error) {
            server.next_layer().close();
            server_end.done = true;
            return;
        }
        asio::async_read(server, asio::buffer(received), [&](boost::system::error_code, std::size_t) {
            asio::async_write(server, asio::buffer(received), [&](boost::system::error_code, std::size_t) {
                server.next_layer().close();
                server_end.done = true;
            });
        });
    });
    loop.io.run_for(std::chrono::seconds(20));
    run.both_ended = client_end.done && server_end.done;
    return run;
}

}  // namespace

TEST_CASE("handshake and data survive a wire that carries one byte at a time") {
    const TlsWorld world;
    for (const std::size_t piece : {1, 2, 3, 11, 4'096}) {
        const MemoryRun run = run_in_memory(world.client(), world.serving(), piece, 1'000'000);
        CHECK(run.echo_done);
        CHECK(run.both_ended);
    }
}

TEST_CASE("whichever operation on the wire fails, both ends come to an end and nothing false is delivered") {
    const TlsWorld world;
    const ContextPointer client = world.client();
    const ContextPointer server = world.serving();
    bool succeeded = false;
    for (std::size_t fail_at = 1; !succeeded; ++fail_at) {
        REQUIRE(fail_at < 200);
        const MemoryRun run = run_in_memory(client, server, 700, fail_at);
        CHECK(run.both_ended);
        succeeded = run.echo_done;
    }
}
