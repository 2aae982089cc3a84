// A conversation over a plain socket, Unix or TCP. It waits until the socket is ready and reads into
// a buffer that all connections share, so that an idle one holds none; it writes at once, and waits
// only when the socket takes no more.
#pragma once

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include "platform/http/conversation.hpp"

namespace meterbox::platform::http {

template <class Protocol>
using LoopSocket = boost::asio::basic_stream_socket<Protocol, boost::asio::io_context::executor_type>;

template <class Protocol>
class SocketConnection final : public Conversation {
public:
    using Socket = LoopSocket<Protocol>;

    SocketConnection(std::shared_ptr<ServerCore> core, Socket socket, Peer peer);
    void advance() override;
    void write_answers() override;

private:
    std::shared_ptr<SocketConnection> self();
    void close_stream() override;
    void read();
    void write();
    void wait_for_input();
    void wait_for_room();
    void wait_for_hang_up();
    bool is_hung_up();
    void go_on();

    Socket socket_;
    bool waits_for_input_ = false;
    bool waits_for_room_ = false;
    bool waits_for_hang_up_ = false;
};

extern template class SocketConnection<boost::asio::local::stream_protocol>;
extern template class SocketConnection<boost::asio::ip::tcp>;

}  // namespace meterbox::platform::http
