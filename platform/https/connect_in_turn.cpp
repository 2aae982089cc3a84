#include "platform/https/connect_in_turn.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>

namespace meterbox::platform::https {

namespace asio = boost::asio;
using boost::system::error_code;
using tcp = asio::ip::tcp;

namespace {

// One address's; outlives it where the time is up in the moment in which it answers.
struct Patience {
    explicit Patience(tcp::socket& what) : timer(what.get_executor()), socket(&what) {}
    asio::steady_timer timer;
    tcp::socket* socket;  // none once the address has answered
    bool over = false;
};

void close_at(const std::shared_ptr<Patience>& patience, std::chrono::steady_clock::time_point time) {
    patience->timer.expires_at(time);
    patience->timer.async_wait([patience](const error_code& cancelled) {
        if (cancelled || patience->socket == nullptr) return;
        patience->over = true;
        error_code ignored;
        patience->socket->close(ignored);
    });
}

}  // namespace

asio::awaitable<error_code> connect_in_turn(tcp::socket& socket, std::vector<tcp::endpoint> addresses,
                                            std::chrono::steady_clock::time_point deadline) {
    error_code error = asio::error::host_not_found;
    std::size_t left = addresses.size();
    for (const tcp::endpoint& address : addresses) {
        const auto patience = std::make_shared<Patience>(socket);
        const auto now = std::chrono::steady_clock::now();
        if (left > 1) close_at(patience, now + (deadline - now) / left);
        co_await socket.async_connect(address, asio::redirect_error(asio::use_awaitable, error));
        patience->socket = nullptr;
        patience->timer.cancel();
        if (patience->over) {
            error = asio::error::timed_out;
        } else if (!socket.is_open()) {
            co_return asio::error::operation_aborted;
        } else if (!error) {
            co_return error;
        }
        error_code ignored;
        socket.close(ignored);  // the next may be of another family
        --left;
    }
    co_return error;
}

}  // namespace meterbox::platform::https
