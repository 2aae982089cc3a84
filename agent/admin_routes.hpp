// The admin's endpoint (docs/API.md): status, health, metrics, and on the Unix socket sync and enroll.
// One handler for both of its sockets: a connection with a uid came through the Unix socket and may do
// all of it; any other came over loopback, and reads alone, guarded by AdminGuard.
#pragma once

#include <string_view>

#include "agent/admin_guard.hpp"
#include "agent/agent_view.hpp"
#include "platform/http/server.hpp"

namespace meterbox::agent {

class AdminRoutes final : public platform::http::Handler {
public:
    // view must outlive this, and the calls of its `done`s.
    AdminRoutes(AgentView& view, AdminGuard guard);

    void handle(const platform::http::Request& request, platform::http::Responder responder) override;

private:
    core::Result<void> admit(const platform::http::Request& request, bool needs_token) const;
    void read(std::string_view path, platform::http::Responder responder) const;
    void act(const platform::http::Request& request, platform::http::Responder responder);
    void ready(platform::http::Responder responder) const;
    void sync(platform::http::Responder responder);
    void retire(platform::http::Responder responder);
    void verify(platform::http::Responder responder);
    void enroll(const platform::http::Request& request, platform::http::Responder responder);

    AgentView& view_;
    AdminGuard guard_;
};

}  // namespace meterbox::agent
