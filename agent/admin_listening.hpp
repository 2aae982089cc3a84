// Where the admin's endpoint listens: its Unix socket, and loopback with the token that guards it.
#pragma once

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

// loopback: as the settings say, too. Returns the address, empty without one.
[[nodiscard]] core::Result<std::string> listen_for_admins(platform::http::Server& server,
                                                          const config::AgentConfig& config, bool loopback);

}  // namespace meterbox::agent
