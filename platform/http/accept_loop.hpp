// Takes connections as they come, within the server's limit, and hands each on. When the process is
// out of descriptors an idle connection gives its own, or it waits a little and tries again; nothing that
// accept() reports ends it.
#pragma once

#include <sys/socket.h>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "core/limits.hpp"
#include "platform/http/server_core.hpp"
#include "platform/http/socket_connection.hpp"

namespace meterbox::platform::http {

// How a conversation begins: whether a client can be told something before it has said anything.
enum class Opening { in_clear, handshake };

template <class Protocol>
class AcceptLoop final : public Listener, public std::enable_shared_from_this<AcceptLoop<Protocol>> {
public:
    using Acceptor = boost::asio::basic_socket_acceptor<Protocol, boost::asio::io_context::executor_type>;
    using Socket = LoopSocket<Protocol>;
    // refused: one connection too many, to be told so.
    using Converse = std::function<void(const std::shared_ptr<ServerCore>&, Socket, bool refused)>;

    // kept: lives as long as clients may connect.
    AcceptLoop(ServerCore& core, Acceptor acceptor, std::shared_ptr<void> kept, Opening opening,
               Converse converse)
        : core_(core),
          acceptor_(std::move(acceptor)),
          timer_(core.context()),
          kept_(std::move(kept)),
          opening_(opening),
          converse_(std::move(converse)) {}

    void accept() {
        acceptor_.async_accept(
            [self = this->shared_from_this()](const boost::system::error_code& failure, Socket socket) {
                self->accepted(failure, std::move(socket));
            });
    }

    void stop() override {
        stopped_ = true;
        boost::system::error_code ignored;
        acceptor_.close(ignored);
        timer_.cancel();
        kept_.reset();
    }

private:
    void accepted(const boost::system::error_code& failure, Socket socket) {
        if (stopped_) return;
        if (failure) {
            const bool full = failure == boost::asio::error::no_descriptors;
            if (full && core_.limits().yields_idle && core_.yield_idle()) return accept();
            back_off();
            return;
        }
        const ServerCore::Admission admission = core_.admission();
        if (admission == ServerCore::Admission::turned_away) {
            turn_away(socket);
        } else {
            converse_(core_.shared_from_this(), std::move(socket),
                      admission == ServerCore::Admission::refused);
        }
        if (!stopped_) accept();
    }

    void back_off() {
        timer_.expires_after(std::chrono::milliseconds(core::limits::accept_backoff_ms));
        timer_.async_wait([self = this->shared_from_this()](const boost::system::error_code& failure) {
            if (!failure && !self->stopped_) self->accept();
        });
    }

    // Too many even to wait for their request: told at once, without a promise that it arrives; in the middle
    // of a handshake it would only be taken for a broken one.
    void turn_away(Socket& socket) {
        if (opening_ == Opening::handshake) return;
        std::string text;
        const Response response = problem({core::ErrorCode::too_many, "too many connections", {}, {}});
        append_answer(text, {true, false, false}, response.status, response.content_type, response.body,
                      response.headers);
        ::send(socket.native_handle(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    }

    ServerCore& core_;
    Acceptor acceptor_;
    boost::asio::steady_timer timer_;
    std::shared_ptr<void> kept_;
    Opening opening_;
    Converse converse_;
    bool stopped_ = false;
};

template <class Protocol>
void listen(ServerCore& core, typename AcceptLoop<Protocol>::Acceptor acceptor, std::shared_ptr<void> kept,
            Opening opening, typename AcceptLoop<Protocol>::Converse converse) {
    const auto loop = std::make_shared<AcceptLoop<Protocol>>(core, std::move(acceptor), std::move(kept),
                                                             opening, std::move(converse));
    core.add(loop);
    loop->accept();
}

// A listening TCP socket; core.port says where. host: an IP address or "localhost".
[[nodiscard]] core::Result<AcceptLoop<boost::asio::ip::tcp>::Acceptor> open_tcp(ServerCore& core,
                                                                                const std::string& host,
                                                                                std::uint16_t port);
std::string address_text(const LoopSocket<boost::asio::ip::tcp>& socket);

}  // namespace meterbox::platform::http
