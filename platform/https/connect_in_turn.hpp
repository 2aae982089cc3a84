// Connects a socket to the first of several addresses that answers. Each has its part of the time until the
// deadline, so that a silent one keeps none behind it from being tried; the last has all that is left, and
// its end is the caller's. Internal to platform/https.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <vector>

namespace meterbox::platform::https {

// The reason of the last address that failed; operation_aborted where the socket was closed meanwhile, which
// ends it. The socket must outlive it.
boost::asio::awaitable<boost::system::error_code> connect_in_turn(
    boost::asio::ip::tcp::socket& socket, std::vector<boost::asio::ip::tcp::endpoint> addresses,
    std::chrono::steady_clock::time_point deadline);

}  // namespace meterbox::platform::https
