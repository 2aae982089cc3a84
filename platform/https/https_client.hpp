// An HTTPS client for one server, on one connection that is kept: one request at a time, the whole
// answer in memory, every wait bounded by the caller's timeout. It reconnects when the server has
// closed the kept connection meanwhile. No redirects, no proxies, no cookies, no compression. Loop
// thread only.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "core/error.hpp"
#include "platform/tls/tls_context.hpp"

namespace meterbox::platform::https {

struct Endpoint {
    std::string host;  // a name or an IP address, IPv6 without brackets
    std::uint16_t port = 443;
    std::string server_name;  // what the server's certificate must be for; empty: host
};

struct Request {
    std::string method = "POST";
    std::string target = "/";
    std::string body = {};
    std::string content_type = "application/json";  // sent when there is a body
};

struct Response {
    int status = 0;
    std::string body = {};
    std::string content_type = {};
};

class HttpsClient {
public:
    using Completion = std::function<void(core::Result<Response>)>;

    HttpsClient(boost::asio::io_context& loop, Endpoint endpoint,
                std::shared_ptr<const tls::TlsContext> context);
    // An exchange in flight ends without its completion being called.
    ~HttpsClient();
    HttpsClient(const HttpsClient&) = delete;
    HttpsClient& operator=(const HttpsClient&) = delete;

    // Completes once, later, never from inside: with an answer of whatever status, or with unreachable
    // and one line that names host and reason (unknown host, refused, no answer in time, certificate,
    // answer too long or not HTTP). What was sent may have arrived all the same; where a kept connection
    // broke before any answer came, it is sent once more on a new one. Requires !busy(); timeout_ms > 0
    // is for all of it: name, connection, handshake, answer. The completion may destroy the client.
    void async_exchange(Request request, std::int64_t timeout_ms, Completion done);
    bool busy() const;

    // Another context, with another certificate perhaps, for connections made from now on; then drop().
    void use(std::shared_ptr<const tls::TlsContext> context);

    // Closes the kept connection in good order. An exchange in flight goes on; its connection isn't kept.
    void drop();

private:
    struct Kept;
    std::shared_ptr<Kept> kept_;
};

}  // namespace meterbox::platform::https
