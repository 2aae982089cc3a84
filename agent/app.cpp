#include "agent/app.hpp"

#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <functional>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "agent/account_access.hpp"
#include "agent/account_link.hpp"
#include "agent/admin_routes.hpp"
#include "agent/admin_token.hpp"
#include "agent/agent_cards.hpp"
#include "agent/agent_view.hpp"
#include "agent/clock_keeper.hpp"
#include "agent/journal_job.hpp"
#include "agent/meter.hpp"
#include "agent/product_routes.hpp"
#include "agent/retention.hpp"
#include "agent/sessions.hpp"
#include "agent/verification.hpp"
#include "core/limits.hpp"
#include "platform/http/server.hpp"
#include "platform/system/files.hpp"
#include "platform/system/loop_timers.hpp"

namespace meterbox::agent {

namespace system = platform::system;

namespace {

constexpr const char* identity_key_meta = "identity_key";
constexpr unsigned admin_socket_mode = 0660;

template <class T>
T or_throw(core::Result<T> result) {
    if (!result) throw std::runtime_error(result.error().detail);
    return std::move(*result);
}
void or_throw(const core::Result<void>& result) {
    if (!result) throw std::runtime_error(result.error().detail);
}

template <class T>
T or_misconfigured(core::Result<T> result, const std::string& key) {
    if (!result) throw WrongConfiguration(key + ": " + result.error().detail);
    return std::move(*result);
}

std::filesystem::path state_folder(const config::AgentConfig& config) {
    const std::filesystem::path folder = config.agent.state_dir;
    or_throw(system::make_directory(folder, 0700));
    return folder;
}

std::string host_name() {
    char name[256] = {};
    return ::gethostname(name, sizeof name - 1) == 0 ? std::string(name) : std::string("agent");
}

}  // namespace

class App::Parts final : public AgentView {
public:
    Parts(boost::asio::io_context& loop, config::AgentConfig config, const system::Clock& clock,
          system::Random& random, system::Log& log);

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
    AdminGuard admin_guard();
    void published(const std::vector<std::string>& resources);
    void look_for_resource(std::function<void()> done);
    void forgot(const Forgotten& forgotten);
    std::int64_t journal_bytes() const;

    boost::asio::io_context& loop_;
    system::LoopTimers timers_;
    config::AgentConfig config_;
    system::Random& random_;
    system::Log& log_;
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
    AccountAccess access_;
    ProductRoutes product_routes_;
    platform::http::Server product_server_;
    std::optional<AdminRoutes> admin_routes_;
    std::optional<platform::http::Server> admin_server_;
    std::optional<core::BootTime> looked_for_resource_;
    std::vector<std::function<void()>> looking_for_resource_;  // who waits for the sync that looks
    JournalRows rows_at_start_;
    std::int64_t pending_usage_rows_at_start_ = 0;
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

App::Parts::Parts(boost::asio::io_context& loop, config::AgentConfig config, const system::Clock& clock,
                  system::Random& random, system::Log& log)
    : loop_(loop),
      timers_(loop),
      config_(std::move(config)),
      random_(random),
      log_(log),
      journal_(state_folder(config_) / "journal.db"),
      time_(clock, clock_record(journal_)),
      balances_(journal_.ledgers(), journal_.suspicion().has_value()),
      store_(loop, journal_),
      clock_keeper_(timers_, time_, journal_, store_),
      sessions_(
          timers_, time_, journal_, store_, balances_,
          {config_.products.heartbeat_ms, config_.journal.checkpoint_ms,
           static_cast<std::size_t>(config_.products.max_sessions)},
          [this](core::SyncReason reason) { link_.wake(reason); },
          [this](const std::vector<std::string>& resources) { published(resources); }),
      meter_(time_, journal_, store_, balances_, system::IdentityHasher(identity_key()),
             [this](const std::vector<std::string>& resources) { published(resources); }),
      link_(timers_, time_, journal_, store_, balances_, sessions_, rate_, random, log,
            config_.account.sync_interval_ms,
            {[this](const std::vector<std::string>& resources) { published(resources); },
             [this](bool reached) {
                 sessions_.answered(reached);
                 access_.answered();
             },
             [this](const Identity& identity) { return access_.followed(identity); },
             [this] { sessions_.drain(); }, [this] { return sessions_.drained(); },
             [this] { meter_.close(); }}),
      retention_(timers_, time_, journal_, store_,
                 {config_.journal.keep_events_ms, config_.journal.keep_usage_ms},
                 [this](const Forgotten& forgotten) { forgot(forgotten); }),
      access_(loop, timers_, config_, time_, random, log, link_),
      product_routes_(time_, balances_, meter_, sessions_, random, config_.products.allow,
                      {[this] { return link_.identity().has_value(); },
                       [this](std::function<void()> done) { look_for_resource(std::move(done)); }}),
      product_server_(loop, product_routes_, [this] {
          platform::http::Limits limits;
          limits.connections_max = static_cast<std::size_t>(config_.products.max_connections);
          return limits;
      }()) {
    if (config_.agent.name.empty()) config_.agent.name = host_name();
    const core::UtcTime now = time_.utc();
    started_at_ = now;
    started_boot_ = time_.boot();
    pending_usage_rows_at_start_ = journal_.pending_usage_rows();
    rows_at_start_ = or_throw(journal_.tables().rows());
    for (const auto& [key, balance] : balances_.all()) {
        rate_.observe(key, balance.ledger->metered(), now);
        rate_.remember(key, or_throw(journal_.usage_of_last_day(key, now)), now);
    }
    // This start's link, though nothing else is to be stored; with the first report if one comes at once.
    clock_keeper_.start();
    sessions_.restore(or_throw(journal_.tables().running_sessions()));
    if (const auto loaded = access_.load(); !loaded) throw WrongConfiguration(loaded.error().detail);
}

// Made once and kept in the journal: with it goes the memory of what was taken.
system::HashKey App::Parts::identity_key() {
    system::HashKey key{};
    const auto known = journal_.meta().find(identity_key_meta);
    std::string text = known == journal_.meta().end() ? std::string() : known->second;
    if (text.empty()) {
        text = system::random_hex(random_, key.size());
        or_throw(journal_.begin());
        journal_.set_meta(identity_key_meta, text);
        or_throw(journal_.commit());
    }
    for (std::size_t i = 0; i < key.size(); ++i)
        key[i] = static_cast<std::byte>(std::stoi(text.substr(2 * i, 2), nullptr, 16));
    return key;
}

void App::Parts::published(const std::vector<std::string>& resources) {
    sessions_.reconsider(resources);
    link_.ledgers_changed(resources);
}

void App::Parts::look_for_resource(std::function<void()> done) {
    if (!looking_for_resource_.empty()) return looking_for_resource_.push_back(std::move(done));
    const core::BootTime now = time_.boot();
    const bool recently =
        looked_for_resource_ && now - *looked_for_resource_ < core::limits::unknown_resource_sync_spacing_ms;
    if (recently || !link_.identity()) return done();
    looked_for_resource_ = now;
    looking_for_resource_.push_back(std::move(done));
    link_.sync_now([this](const core::Result<void>&) {
        for (const auto& looked : std::exchange(looking_for_resource_, {})) looked();
    });
}

void App::Parts::forgot(const Forgotten& forgotten) {
    published(balances_.publish(journal_.take_publications()));
    if (forgotten.events == 0) return;
    rows_at_start_.events -= forgotten.events;
    rows_at_start_.oldest_event = forgotten.oldest_event;
}

void App::Parts::start() {
    or_throw(
        product_server_.listen_unix(config_.products.socket, config_.products.group, config_.products.mode));
    listen_admin();
    retention_.start();
    log_.info("agent.ready", {{"version", METERBOX_VERSION},
                              {"products", config_.products.socket},
                              {"enrolled", link_.identity().has_value()}});
}

// What was taken is committed and answered before anybody is let go: a report that is cut off here was not
// committed, so that whoever repeats it without an identity counts nothing twice.
void App::Parts::stop(std::function<void()> done) {
    on_stopped_ = std::move(done);
    draining_ = admin_server_ ? 2 : 1;
    const auto one_less = [this] { drained(); };
    product_server_.drain(core::limits::drain_timeout_ms, one_less);
    if (admin_server_) admin_server_->drain(core::limits::drain_timeout_ms, one_less);
    sessions_.shut_down();
    link_.stop();
    retention_.stop();
    clock_keeper_.stop();
    store_.stop();
    access_.stop();
}

void App::Parts::drained() {
    if (--draining_ > 0) return;
    product_server_.stop();
    if (admin_server_) admin_server_->stop();
    log_.info("agent.stopped");
    on_stopped_();
}

AdminGuard App::Parts::admin_guard() {
    if (config_.admin.listen.empty()) return {"", config_.admin.allowed_hosts};
    const std::filesystem::path file = config_.admin.token_file.empty()
                                           ? std::filesystem::path(config_.agent.state_dir) / "admin.token"
                                           : std::filesystem::path(config_.admin.token_file);
    return {or_misconfigured(load_or_make_admin_token(file, random_), "admin.token_file"),
            config_.admin.allowed_hosts};
}

void App::Parts::listen_admin() {
    admin_routes_.emplace(*this, admin_guard());
    admin_server_.emplace(loop_, *admin_routes_);
    or_throw(admin_server_->listen_unix(config_.admin.socket, config_.admin.group, admin_socket_mode));
    if (config_.admin.listen.empty()) return;
    const std::size_t colon = config_.admin.listen.rfind(':');
    std::string host = config_.admin.listen.substr(0, colon);
    if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
    const int port = std::stoi(config_.admin.listen.substr(colon + 1));
    or_throw(admin_server_->listen_tcp(host, static_cast<std::uint16_t>(port)));
    log_.info("admin.listening", {{"host", host}, {"port", admin_server_->port()}});
}

void App::Parts::enroll(EnrollOrder order, Enrolled done) {
    access_.enroll(order, config_.agent.name, std::move(done));
}

void App::Parts::verify(Verified done) {
    store_.run_idle(std::make_unique<Verification>(journal_, std::move(done)));
}

bool App::Parts::ready(std::string& why_not) const {
    if (!link_.identity()) {
        why_not = "not enrolled";
    } else if (balances_.empty()) {
        why_not = "no resources known yet: no sync has succeeded, or the account has none";
    }
    return why_not.empty();
}

StatusSnapshot App::Parts::status() const {
    StatusSnapshot status;
    const core::ClockReading reading = time_.read();
    const core::UtcTime now = time_.trusted().now(reading);
    const std::optional<Identity>& identity = link_.identity();
    status.agent.id = identity ? identity->agent : "";
    status.agent.name = config_.agent.name;
    status.agent.team = identity ? identity->team : "";
    status.agent.version = METERBOX_VERSION;
    status.agent.started_at = started_at_;
    status.agent.uptime_ms = reading.boot - started_boot_;
    if (identity) status.enrollment.certificate_expires_at = identity->life.ends_at;
    status.enrollment.state = access_.state();
    status.enrollment.retiring = link_.retiring() == AccountLink::Retiring::draining ||
                                 link_.retiring() == AccountLink::Retiring::sealed;
    status.account.url = access_.url();
    status.account.reachable = link_.reachable();
    status.account.learning = link_.learning();
    status.account.last_sync_at = link_.last_sync_at();
    status.account.last_error = access_.last_error();
    if (const auto wait = link_.next_sync_in_ms()) status.account.next_sync_at = now + *wait;
    status.account.consecutive_failures = link_.consecutive_failures();
    status.cards = agent_cards(balances_, sessions_, rate_, time_.range(), now);
    status.pending.units = link_.pending_units().value();
    status.pending.usage_rows = balances_.pending_usage_rows().value_or(pending_usage_rows_at_start_);
    status.journal.rows = rows_at_start_.events + balances_.events_taken();
    status.journal.oldest =
        rows_at_start_.oldest_event ? rows_at_start_.oldest_event : balances_.first_event();
    status.journal.bytes = journal_bytes();
    status.journal.budget_bytes = config_.journal.budget_bytes;
    status.clock.trusted_now = time_.trusted().trusted_now(reading);
    status.clock.wall_now = reading.wall;
    status.clock.state = time_.trusted().quality();
    status.sessions.active = static_cast<std::int64_t>(sessions_.active());
    status.counters.reports = product_routes_.reports();
    status.counters.refused = product_routes_.refused();
    status.counters.events = static_cast<std::uint64_t>(balances_.events_taken());
    status.counters.duplicates = meter_.duplicates();
    status.counters.syncs = link_.syncs();
    status.counters.sync_failures = link_.failures();
    status.counters.commits = store_.statistics().commits;
    status.counters.commit_failures = store_.statistics().failed_commits;
    return status;
}

// The database and its write-ahead log, as they lie on the disk.
std::int64_t App::Parts::journal_bytes() const {
    std::int64_t bytes = 0;
    for (const char* name : {"journal.db", "journal.db-wal"}) {
        std::error_code missing;
        const auto size =
            std::filesystem::file_size(std::filesystem::path(config_.agent.state_dir) / name, missing);
        if (!missing) bytes += static_cast<std::int64_t>(size);
    }
    return bytes;
}

App::App(boost::asio::io_context& loop, config::AgentConfig config, const system::Clock& clock,
         system::Random& random, system::Log& log)
    : parts_(std::make_unique<Parts>(loop, std::move(config), clock, random, log)) {}
App::~App() = default;
void App::start() {
    parts_->start();
}
void App::stop(std::function<void()> done) {
    parts_->stop(std::move(done));
}

}  // namespace meterbox::agent
