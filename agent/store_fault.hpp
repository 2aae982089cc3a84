// Stands in for the agent while its journal can't be had: answers products 503 `storage`, shows the fault on
// /status and /readyz, and tries again and again to open the journal and to commit to it. When that works it
// says so, once; whoever owns it then begins the agent itself. It meters nothing and syncs nothing.
#pragma once

#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/admin_listening.hpp"
#include "agent/admin_routes.hpp"
#include "agent/agent_view.hpp"
#include "agent/identity.hpp"
#include "config/agent_config.hpp"
#include "platform/http/server.hpp"
#include "platform/system/clock.hpp"
#include "platform/system/log.hpp"
#include "platform/system/loop_timers.hpp"
#include "platform/system/random.hpp"

namespace meterbox::agent {

class StoreFault final : public AgentView {
public:
    // recovered: called from the loop, not from within a call of this class.
    StoreFault(boost::asio::io_context& loop, const config::AgentConfig& config,
               const platform::system::Clock& clock, platform::system::Random& random,
               platform::system::Log& log, std::string why, std::function<void()> recovered);
    ~StoreFault() override;

    void start();  // throws std::runtime_error if a socket can't be had
    void stop();

    StatusSnapshot status() const override;
    bool ready(std::string& why_not) const override;
    void sync_now(std::function<void(core::Result<void>)> done) override { done(refusal()); }
    void enroll(EnrollOrder, Enrolled done) override { done(refusal()); }
    void retire(std::function<void(core::Result<void>)> done) override { done(refusal()); }
    void verify(Verified done) override { done(refusal()); }

private:
    class Products final : public platform::http::Handler {
    public:
        explicit Products(const StoreFault& fault) : fault_(fault) {}
        void handle(const platform::http::Request&, platform::http::Responder responder) override {
            responder.send(fault_.refusal());
        }

    private:
        const StoreFault& fault_;
    };

    core::Error refusal() const;
    void listen_admin();
    void try_again();
    void tried(const std::string& trouble);

    boost::asio::io_context& loop_;
    platform::system::LoopTimers timers_;
    config::AgentConfig config_;
    const platform::system::Clock& clock_;
    platform::system::Random& random_;
    platform::system::Log& log_;
    std::string why_;
    std::function<void()> recovered_;
    core::UtcTime started_at_;
    core::BootTime started_boot_;
    std::optional<Identity> identity_;
    Products products_{*this};
    platform::http::Server product_server_;
    std::optional<AdminRoutes> admin_routes_;
    std::optional<AdminServers> admin_servers_;
    std::unique_ptr<platform::system::Timer> timer_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
    boost::asio::thread_pool worker_{1};  // a disk that hangs must not hang the answers
};

}  // namespace meterbox::agent
