#include "platform/http/accept_loop.hpp"

#include <boost/asio/ip/address.hpp>

namespace meterbox::platform::http {

using boost::asio::ip::tcp;
using boost::system::error_code;

core::Result<AcceptLoop<tcp>::Acceptor> open_tcp(ServerCore& core, const std::string& host,
                                                 std::uint16_t port) {
    const auto wrong = [&](const std::string& what) {
        return core::Error{core::ErrorCode::invalid,
                           "address " + host + ":" + std::to_string(port) + ": " + what,
                           std::nullopt,
                           {}};
    };
    error_code failure;
    const auto address = boost::asio::ip::make_address(host == "localhost" ? "127.0.0.1" : host, failure);
    if (failure) return wrong("not an IP address; give one, or \"localhost\"");
    const tcp::endpoint endpoint(address, port);
    AcceptLoop<tcp>::Acceptor acceptor(core.context());
    acceptor.open(endpoint.protocol(), failure);
    if (!failure) acceptor.set_option(tcp::acceptor::reuse_address(true), failure);
    if (!failure) acceptor.bind(endpoint, failure);
    if (!failure) acceptor.listen(boost::asio::socket_base::max_listen_connections, failure);
    if (failure) {
        return wrong("can't listen: " + failure.message() +
                     (failure == boost::asio::error::address_in_use
                          ? "; stop what listens there, or use another port"
                          : ""));
    }
    core.port = acceptor.local_endpoint(failure).port();
    return acceptor;
}

std::string address_text(const LoopSocket<tcp>& socket) {
    error_code failure;
    const tcp::endpoint endpoint = socket.remote_endpoint(failure);
    if (failure) return {};
    const std::string host = endpoint.address().to_string();
    return (endpoint.address().is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(endpoint.port());
}

}  // namespace meterbox::platform::http
