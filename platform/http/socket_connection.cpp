#include "platform/http/socket_connection.hpp"

#include <poll.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <type_traits>

#include "platform/http/server_core.hpp"

namespace meterbox::platform::http {

namespace asio = boost::asio;
using boost::system::error_code;

template <class Protocol>
SocketConnection<Protocol>::SocketConnection(std::shared_ptr<ServerCore> core, Socket socket, Peer peer)
    : Conversation(std::move(core), std::move(peer)), socket_(std::move(socket)) {
    error_code ignored;
    socket_.non_blocking(true, ignored);
    if constexpr (std::is_same_v<Protocol, asio::ip::tcp>) {
        socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
    }
}

template <class Protocol>
std::shared_ptr<SocketConnection<Protocol>> SocketConnection<Protocol>::self() {
    return std::static_pointer_cast<SocketConnection>(shared_from_this());
}

template <class Protocol>
void SocketConnection<Protocol>::advance() {
    const Turn turn(*this);
    go_on();
}

template <class Protocol>
void SocketConnection<Protocol>::write_answers() {
    const Turn turn(*this);
    write();
}

template <class Protocol>
void SocketConnection<Protocol>::read() {
    const Turn turn(*this);
    if (!wants_input()) return;  // asked for again once it does
    const std::span<char> scratch = core().scratch();
    error_code failure;
    const std::size_t size = socket_.read_some(asio::buffer(scratch.data(), scratch.size()), failure);
    if (!failure) {
        take_input(std::string_view(scratch.data(), size));
    } else if (failure == asio::error::eof && !is_hung_up()) {
        end_of_input();
    } else if (failure != asio::error::would_block) {
        drop();
    }
    go_on();
}

// Writes what is ready, handles what that made room for, and asks for what it waits for then.
template <class Protocol>
void SocketConnection<Protocol>::go_on() {
    do {
        write();
    } while (handle_pending());
    if (is_gone()) return;
    if (wants_shutdown()) {
        error_code ignored;
        socket_.shutdown(asio::socket_base::shutdown_send, ignored);
        was_shut_down();
    }
    if (!unsent().empty()) wait_for_room();
    if (wants_input()) wait_for_input();
    if (is_streaming() && has_input_ended()) wait_for_hang_up();
    update_deadline();
}

template <class Protocol>
void SocketConnection<Protocol>::write() {
    while (!is_gone() && !unsent().empty()) {
        error_code failure;
        const std::string_view bytes = unsent();
        const std::size_t size = socket_.write_some(asio::buffer(bytes.data(), bytes.size()), failure);
        if (failure == asio::error::would_block) return;
        if (failure) {
            drop();
            return;
        }
        sent(size);
    }
}

template <class Protocol>
void SocketConnection<Protocol>::wait_for_input() {
    if (waits_for_input_ || is_gone()) return;
    waits_for_input_ = true;
    socket_.async_wait(Socket::wait_read, [self = self()](const error_code& failure) {
        self->waits_for_input_ = false;
        if (!failure && !self->is_gone()) self->read();
    });
}

template <class Protocol>
void SocketConnection<Protocol>::wait_for_room() {
    if (waits_for_room_) return;
    waits_for_room_ = true;
    socket_.async_wait(Socket::wait_write, [self = self()](const error_code& failure) {
        self->waits_for_room_ = false;
        if (!failure && !self->is_gone()) self->advance();
    });
}

// A stream whose client has ended its sending side may go on until the client is gone.
template <class Protocol>
void SocketConnection<Protocol>::wait_for_hang_up() {
    if (waits_for_hang_up_ || is_gone()) return;
    waits_for_hang_up_ = true;
    socket_.async_wait(Socket::wait_error, [self = self()](const error_code& failure) {
        self->waits_for_hang_up_ = false;
        if (failure || self->is_gone()) return;
        if (self->is_hung_up()) {
            self->drop();
        } else {
            self->advance();
        }
    });
}

// Whether the client is gone for good, at the end of its input. Over TCP that can't be told from a
// client that only ended its sending side: a stream is taken to have lost its client then, an answer
// is still written.
template <class Protocol>
bool SocketConnection<Protocol>::is_hung_up() {
    if constexpr (std::is_same_v<Protocol, asio::ip::tcp>) {
        return is_streaming();
    } else {
        pollfd descriptor{socket_.native_handle(), 0, 0};
        return ::poll(&descriptor, 1, 0) == 1 && (descriptor.revents & (POLLHUP | POLLERR)) != 0;
    }
}

template <class Protocol>
void SocketConnection<Protocol>::close_stream() {
    error_code ignored;
    socket_.close(ignored);
}

template class SocketConnection<asio::local::stream_protocol>;
template class SocketConnection<asio::ip::tcp>;

}  // namespace meterbox::platform::http
