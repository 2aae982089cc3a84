// Where the admin's endpoint listens: its Unix socket, and loopback with the token that guards it.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>

#include "agent/admin_guard.hpp"
#include "config/agent_config.hpp"
#include "core/error.hpp"
#include "platform/http/server.hpp"

namespace meterbox::platform::system {
class Random;
}

namespace meterbox::agent {

// The token of the settings can be used, or will be made. An error names the setting and where it is set.
[[nodiscard]] core::Result<void> check_admin_token(const config::AgentConfig& config);

// With the token of the settings, made if it isn't there; without loopback it lets nobody in.
[[nodiscard]] core::Result<AdminGuard> admin_guard(const config::AgentConfig& config,
                                                   platform::system::Random& random);

// Two servers of one handler: whoever of this machine holds all connections of loopback keeps no admin from
// the socket.
class AdminServers {
public:
    AdminServers(boost::asio::io_context& loop, platform::http::Handler& handler);

    // loopback: as the settings say, too. Returns the address, empty without one.
    [[nodiscard]] core::Result<std::string> listen(const config::AgentConfig& config, bool loopback);
    std::uint16_t port() const { return loopback_.port(); }
    // As Server's; done once for both.
    void drain(std::int64_t timeout_ms, const std::function<void()>& done);
    void stop();

private:
    platform::http::Server socket_;
    platform::http::Server loopback_;
};

}  // namespace meterbox::agent
