// The reference of ./dev bench --account: this project's HTTPS server with a handler that sends back what it
// was sent. What a sync costs beyond this is the account's. It makes a CA of its own, whose certificate it
// writes into the file given, and prints its port.
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <string>

#include "platform/http/tls_server.hpp"
#include "platform/tls/pki.hpp"

namespace http = meterbox::platform::http;
namespace tls = meterbox::platform::tls;
using meterbox::core::Result;
using meterbox::core::UtcTime;

namespace {

class Echo final : public http::Handler {
    void handle(const http::Request& request, http::Responder responder) override {
        responder.send(200, "application/json", request.body());
    }
};

Result<std::shared_ptr<const tls::TlsContext>> context_with_ca_in(const char* file) {
    using namespace std::chrono;
    const UtcTime now{duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count()};
    const auto key = tls::generate_key();
    if (!key) return key.error();
    const auto ca = tls::make_ca(*key, "echo", now);
    if (!ca) return ca.error();
    const auto own =
        tls::issue_server_certificate(*ca, *key, {"127.0.0.1"}, now, now + tls::ca_lifetime_ms / 2);
    if (!own) return own.error();
    std::ofstream(file) << *ca;
    return tls::TlsContext::server({own->certificate, own->key, *ca, tls::ClientAuth::optional, {}});
}

int failed(const meterbox::core::Error& error) {
    std::fprintf(stderr, "https_echo_server: %s\n", error.detail.c_str());
    return 1;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fputs("usage: https_echo_server CA-FILE\n", stderr);
        return 2;
    }
    const auto context = context_with_ca_in(argv[1]);
    if (!context) return failed(context.error());
    boost::asio::io_context loop(1);
    Echo handler;
    http::Server server(loop, handler);
    const auto listening = http::listen_tls(server, "127.0.0.1", 0, [shown = *context] { return shown; });
    if (!listening) return failed(listening.error());
    std::printf("%d\n", server.port());
    std::fflush(stdout);
    boost::asio::signal_set signals(loop, SIGINT, SIGTERM);
    signals.async_wait([&](const boost::system::error_code&, int) {
        server.stop();
        loop.stop();
    });
    loop.run();
    return 0;
}
