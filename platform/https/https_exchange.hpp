// One exchange of HttpsClient: name, connection, handshake, request, answer, under one deadline. At the
// deadline it answers at once and lets what it was waiting for end unheard: a name service can't be
// interrupted. Internal to platform/https.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <optional>

#include "platform/https/https_client.hpp"
#include "platform/tls/tls_stream.hpp"

namespace meterbox::platform::https {

struct Connection {
    Connection(boost::asio::io_context& loop, std::shared_ptr<const tls::TlsContext> context,
               tls::TlsPeer peer)
        : stream(boost::asio::ip::tcp::socket(loop), std::move(context), std::move(peer)) {}
    tls::TlsStream<boost::asio::ip::tcp::socket> stream;
    boost::beast::flat_buffer buffer;
};

// Says goodbye and closes; keeps the connection alive until that is done.
void close_in_good_order(std::shared_ptr<Connection> connection);

class Exchange : public std::enable_shared_from_this<Exchange> {
public:
    // The connection is one that can be used again, or none.
    using Done = std::function<void(core::Result<Response>, std::shared_ptr<Connection>)>;

    // kept: a connection to use, or none.
    Exchange(boost::asio::io_context& loop, Endpoint endpoint, std::shared_ptr<const tls::TlsContext> context,
             Request request, std::shared_ptr<Connection> kept, Done done);
    void start(std::int64_t timeout_ms);
    // Ends it unheard.
    void abandon();

private:
    // As coroutines they hold `self`, their frame's last owner of this.
    boost::asio::awaitable<void> run(std::shared_ptr<Exchange> self);
    boost::asio::awaitable<void> connect();
    boost::asio::awaitable<void> connect_socket();
    boost::asio::awaitable<void> converse();

    void fail(std::string why);
    void finish(core::Result<Response> result, std::shared_ptr<Connection> reusable);
    std::string label() const;

    boost::asio::io_context& loop_;
    Endpoint endpoint_;
    std::shared_ptr<const tls::TlsContext> context_;
    Request request_;
    std::shared_ptr<Connection> connection_;
    Done done_;  // empty once it is over
    boost::asio::steady_timer deadline_;
    boost::asio::ip::tcp::resolver resolver_;
    std::string stage_ = "connecting";
    std::string failure_;  // of the attempt
    std::optional<Response> response_;
    bool answer_began_ = false;
    bool reusable_ = false;
};

}  // namespace meterbox::platform::https
