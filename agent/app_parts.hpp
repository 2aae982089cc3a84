// The agent's parts, in the order in which they need each other, and their wiring. app.cpp makes and joins
// them; app_status.cpp says how they are.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/account_access.hpp"
#include "agent/account_link.hpp"
#include "agent/admin_listening.hpp"
#include "agent/admin_routes.hpp"
#include "agent/agent_view.hpp"
#include "agent/app.hpp"
#include "agent/clock_keeper.hpp"
#include "agent/meter.hpp"
#include "agent/product_routes.hpp"
#include "agent/retention.hpp"
#include "agent/sessions.hpp"
#include "agent/storage_watch.hpp"
#include "platform/http/server.hpp"
#include "platform/system/loop_timers.hpp"

namespace meterbox::agent {

namespace system = platform::system;

using JournalEnd = decltype(JournalHooks::end);

class App::Parts final : public AgentView {
public:
    Parts(boost::asio::io_context& loop, config::AgentConfig config, const system::Clock& clock,
          system::Random& random, system::Log& log, JournalEnd end);

    void start();
    void stop(std::function<void()> done);

    StatusSnapshot status() const override;
    bool ready(std::string& why_not) const override;
    void sync_now(std::function<void(core::Result<void>)> done) override { link_.sync_now(std::move(done)); }
    void enroll(EnrollOrder order, Enrolled done) override;
    void retire(std::function<void(core::Result<void>)> done) override { link_.retire(std::move(done)); }
    void verify(Verified done) override;

private:
    system::HashKey identity_key();
    void listen_admin();
    void drained();
    JournalHooks hooks(JournalEnd end);
    JournalStatus journal_status() const;
    void published(const std::vector<std::string>& resources);
    void look_for_resource(std::function<void()> done);
    std::string no_catalogue() const;
    void forgot(const Forgotten& forgotten);
    std::int64_t journal_bytes() const;

    boost::asio::io_context& loop_;
    system::LoopTimers timers_;
    config::AgentConfig config_;
    system::Random& random_;
    system::Log& log_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for what other threads post
    Journal journal_;
    AgentTime time_;
    Balances balances_;
    platform::store::StoreThread store_;
    ClockKeeper clock_keeper_;
    UsageRate rate_;
    Sessions sessions_;
    Meter meter_;
    AccountLink link_;
    Retention retention_;
    StorageWatch storage_watch_;
    AccountAccess access_;
    ProductRoutes product_routes_;
    platform::http::Server product_server_;
    std::optional<AdminRoutes> admin_routes_;
    std::optional<AdminServers> admin_servers_;
    std::optional<core::BootTime> looked_for_resource_;
    std::vector<std::function<void()>> looking_for_resource_;  // who waits for the sync that looks
    JournalRows rows_at_start_;
    std::int64_t pending_usage_rows_at_start_ = 0;
    std::string damage_;  // what is known of a journal that was set aside
    std::vector<std::string> set_aside_;
    std::function<void()> on_stopped_;
    int draining_ = 0;  // servers that still owe answers
    core::UtcTime started_at_;
    core::BootTime started_boot_;
    // Goes first, however the agent ends, a start that fails included: what the store still has to finish
    // must find everybody there.
    struct Settled {
        Parts& parts;
        ~Settled() {
            parts.link_.stop();
            parts.store_.stop();
        }
    } settled_{*this};
};

}  // namespace meterbox::agent
