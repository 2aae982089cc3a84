// The reference of the bench: this project's HTTP server with a handler that does nothing, on a Unix
// socket. What a durable acknowledgement costs beyond this is the journal's.
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdio>

#include "platform/http/server.hpp"

namespace http = meterbox::platform::http;

namespace {
class Empty final : public http::Handler {
    void handle(const http::Request&, http::Responder responder) override {
        responder.send(200, "application/json", R"({"accepted":1,"duplicates":0})");
    }
};
}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fputs("usage: http_empty_server SOCKET\n", stderr);
        return 2;
    }
    boost::asio::io_context context(1);
    Empty handler;
    http::Server server(context, handler);
    if (const auto listening = server.listen_unix(argv[1], "", 0600); !listening) {
        std::fprintf(stderr, "%s\n", listening.error().detail.c_str());
        return 1;
    }
    boost::asio::signal_set signals(context, SIGINT, SIGTERM);
    signals.async_wait([&](const boost::system::error_code&, int) {
        server.stop();
        context.stop();
    });
    context.run();
    return 0;
}
