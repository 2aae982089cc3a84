// TLS streams over TCP on loopback, both ends on one loop, and a way to run that loop until something
// has happened: every wait in these tests is for a condition, bounded by a deadline that only a bug meets.
#pragma once

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <memory>

#include "platform/tls/tls_stream.hpp"
#include "tests/support/tls_pair.hpp"

namespace meterbox::tests {

using tcp = boost::asio::ip::tcp;
using Stream = platform::tls::TlsStream<tcp::socket>;

// What an asynchronous operation came to.
struct Outcome {
    bool done = false;
    boost::system::error_code error;
    std::size_t count = 0;
    auto handler() {
        return [this](boost::system::error_code e, std::size_t n = 0) {
            done = true;
            error = e;
            count = n;
        };
    }
};

struct Loop {
    boost::asio::io_context io;

    template <class Condition>
    void until(Condition condition) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (!condition()) {
            io.restart();
            if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("waited in vain");
            io.run_one_for(std::chrono::seconds(5));
        }
    }
    void until_done(const Outcome& outcome) {
        until([&outcome] { return outcome.done; });
    }
    // Everything that can be done now.
    void drain() {
        io.restart();
        io.poll();
    }
};

// A connected pair of sockets.
struct SocketPair {
    explicit SocketPair(Loop& loop) : near(loop.io), far(loop.io) {
        tcp::acceptor acceptor(loop.io, {boost::asio::ip::address_v4::loopback(), 0});
        near.connect(acceptor.local_endpoint());
        acceptor.accept(far);
    }
    tcp::socket near;
    tcp::socket far;
};

struct StreamPair {
    StreamPair(Loop& on, ContextPointer client_context, ContextPointer server_context)
        : StreamPair(on, SocketPair(on), std::move(client_context), std::move(server_context)) {}
    StreamPair(Loop& on, SocketPair sockets, ContextPointer client_context, ContextPointer server_context)
        : loop(&on),
          client(std::move(sockets.near), std::move(client_context), {"localhost", "localhost:9443"}),
          server(std::move(sockets.far), std::move(server_context), {"", "127.0.0.1"}) {}

    Outcome client_shaken;
    Outcome server_shaken;
    bool handshake() {
        client.async_handshake(client_shaken.handler());
        server.async_handshake(server_shaken.handler());
        loop->until([this] { return client_shaken.done && server_shaken.done; });
        return !client_shaken.error && !server_shaken.error;
    }

    Loop* loop;
    Stream client;
    Stream server;
};

}  // namespace meterbox::tests
