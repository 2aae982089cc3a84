#include "agent/store_fault.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <stdexcept>
#include <utility>

#include "agent/journal.hpp"
#include "core/limits.hpp"

namespace meterbox::agent {

namespace {

// What is wrong, or nothing. The journal's first transaction writes the start's link, and syncs it.
std::string trial(const std::filesystem::path& journal_path) {
    try {
        JournalHooks hooks;
        hooks.end = [](platform::sqlite::StorageFault, const core::Error& error) {
            throw StorageFailed(error.detail);
        };
        Journal journal(journal_path, std::move(hooks));
        auto stored = journal.begin();
        if (stored) stored = journal.commit();
        return stored ? std::string() : stored.error().detail;
    } catch (const std::exception& failed) {
        return failed.what();
    }
}

}  // namespace

StoreFault::StoreFault(boost::asio::io_context& loop, const config::AgentConfig& config,
                       const platform::system::Clock& clock, platform::system::Random& random,
                       platform::system::Log& log, std::string why, std::function<void()> recovered)
    : loop_(loop),
      timers_(loop),
      config_(config),
      clock_(clock),
      random_(random),
      log_(log),
      why_(std::move(why)),
      recovered_(std::move(recovered)),
      started_at_(clock.wall_now()),
      started_boot_(clock.boot_now()),
      product_server_(loop, products_),
      timer_(timers_.make([this] { try_again(); })) {
    auto identity = IdentityFiles(config_.agent.state_dir).load();
    if (identity) identity_ = std::move(*identity);  // else it isn't shown
}

StoreFault::~StoreFault() {
    *alive_ = false;
    worker_.join();
}

core::Error StoreFault::refusal() const {
    return {core::ErrorCode::storage, "the journal can't be used, and nothing was taken: " + why_, {}, {}};
}

void StoreFault::start() {
    log_.error("storage.fault", {{"detail", why_}, {"retry_s", core::limits::store_fault_retry_ms / 1'000}});
    const auto listening =
        product_server_.listen_unix(config_.products.socket, config_.products.group, config_.products.mode);
    if (!listening) throw std::runtime_error(listening.error().detail);
    listen_admin();
    timer_->arm(core::limits::store_fault_retry_ms);
}

// On loopback only if its token can be read: it may lie on the disk that fails.
void StoreFault::listen_admin() {
    const auto guard = admin_guard(config_, random_);
    admin_routes_.emplace(*this, guard ? *guard : AdminGuard("", config_.admin.allowed_hosts));
    admin_servers_.emplace(loop_, *admin_routes_);
    const auto listening = admin_servers_->listen(config_, guard.has_value());
    if (!listening) throw std::runtime_error(listening.error().detail);
}

void StoreFault::stop() {
    timer_->cancel();
    *alive_ = false;
    product_server_.stop();
    if (admin_servers_) admin_servers_->stop();
}

void StoreFault::try_again() {
    boost::asio::post(worker_, [this, alive = std::weak_ptr<bool>(alive_),
                                path = std::filesystem::path(config_.agent.state_dir) / "journal.db"] {
        boost::asio::post(loop_, [this, alive, trouble = trial(path)] {
            if (const auto still = alive.lock(); still && *still) tried(trouble);
        });
    });
}

void StoreFault::tried(const std::string& trouble) {
    if (trouble.empty()) {
        log_.info("storage.works", {{"detail", "the journal is open again"}});
        boost::asio::post(loop_, recovered_);  // it ends this object
        return;
    }
    if (std::exchange(why_, trouble) != trouble) log_.error("storage.fault", {{"detail", trouble}});
    timer_->arm(core::limits::store_fault_retry_ms);
}

bool StoreFault::ready(std::string& why_not) const {
    why_not = refusal().detail;
    return false;
}

StatusSnapshot StoreFault::status() const {
    StatusSnapshot status;
    status.agent.name = config_.agent.name;
    status.agent.version = METERBOX_VERSION;
    status.agent.started_at = started_at_;
    status.agent.uptime_ms = clock_.boot_now() - started_boot_;
    if (identity_) {
        status.agent.id = identity_->agent;
        status.agent.team = identity_->team;
        status.enrollment.state = EnrollmentState::enrolled;
        status.enrollment.certificate_expires_at = identity_->life.ends_at;
        status.account.url = config_.account.url.empty() ? identity_->url : config_.account.url;
    }
    status.journal.state = JournalState::fault;
    status.journal.detail = why_;
    status.journal.budget_bytes = config_.journal.budget_bytes;
    status.clock.wall_now = clock_.wall_now();
    return status;
}

}  // namespace meterbox::agent
