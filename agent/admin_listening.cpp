#include "agent/admin_listening.hpp"

#include <filesystem>
#include <memory>
#include <string>

#include "agent/admin_token.hpp"
#include "core/limits.hpp"

namespace meterbox::agent {

namespace {
constexpr unsigned admin_socket_mode = 0660;

// Who asks nothing keeps nobody out.
platform::http::Limits limits_of(std::size_t connections) {
    platform::http::Limits limits;
    limits.connections_max = connections;
    limits.yields_idle = true;
    return limits;
}

std::filesystem::path token_file(const config::AgentConfig& config) {
    if (!config.admin.token_file.empty()) return config.admin.token_file;
    return std::filesystem::path(config.agent.state_dir) / "admin.token";
}

}  // namespace

core::Result<void> check_admin_token(const config::AgentConfig& config) {
    if (config.admin.listen.empty()) return {};
    const auto token = load_admin_token(token_file(config));
    if (token || token.error().code == core::ErrorCode::not_found) return {};
    core::Error error = token.error();
    error.detail = config.origin_of("admin.token_file").place + ": admin.token_file: " + error.detail;
    return error;
}

core::Result<AdminGuard> admin_guard(const config::AgentConfig& config, platform::system::Random& random) {
    if (config.admin.listen.empty()) return AdminGuard("", config.admin.allowed_hosts);
    auto token = load_or_make_admin_token(token_file(config), random);
    if (!token) return token.error();
    return AdminGuard(std::move(*token), config.admin.allowed_hosts);
}

AdminServers::AdminServers(boost::asio::io_context& loop, platform::http::Handler& handler)
    : socket_(loop, handler, limits_of(core::limits::connections_default)),
      loopback_(loop, handler, limits_of(core::limits::loopback_connections_max)) {}

core::Result<std::string> AdminServers::listen(const config::AgentConfig& config, bool loopback) {
    const auto socket = socket_.listen_unix(config.admin.socket, config.admin.group, admin_socket_mode);
    if (!socket) return socket.error();
    if (config.admin.listen.empty() || !loopback) return std::string();
    const std::size_t colon = config.admin.listen.rfind(':');
    std::string host = config.admin.listen.substr(0, colon);
    if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
    const int port = std::stoi(config.admin.listen.substr(colon + 1));
    const auto listening = loopback_.listen_tcp(host, static_cast<std::uint16_t>(port));
    if (!listening) return listening.error();
    return host;
}

void AdminServers::drain(std::int64_t timeout_ms, const std::function<void()>& done) {
    const auto draining = std::make_shared<int>(2);
    const auto one_less = [draining, done] {
        if (--*draining == 0) done();
    };
    socket_.drain(timeout_ms, one_less);
    loopback_.drain(timeout_ms, one_less);
}

void AdminServers::stop() {
    socket_.stop();
    loopback_.stop();
}

}  // namespace meterbox::agent
