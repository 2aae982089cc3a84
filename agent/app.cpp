#include "agent/app.hpp"

#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "agent/app_parts.hpp"
#include "agent/journal_job.hpp"
#include "agent/store_fault.hpp"
#include "agent/verification.hpp"
#include "core/limits.hpp"
#include "platform/system/files.hpp"
#include "platform/system/process.hpp"
#include "platform/system/process_limits.hpp"

namespace meterbox::agent {

namespace {

constexpr const char* identity_key_meta = "identity_key";

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

constexpr const char* journal_name = "journal.db";

std::filesystem::path journal_path(const config::AgentConfig& config) {
    return std::filesystem::path(config.agent.state_dir) / journal_name;
}

std::string host_name() {
    char name[256] = {};
    return ::gethostname(name, sizeof name - 1) == 0 ? std::string(name) : std::string("agent");
}

// Each connection is an open file: as many as the administrator lets the process have, not the shell.
platform::http::Limits limits_for_products(const config::AgentConfig& config, system::Log& log) {
    platform::http::Limits limits;
    limits.connections_max = static_cast<std::size_t>(config.products.max_connections);
    const std::size_t files = system::raise_open_files_limit();
    if (files < limits.connections_max + core::limits::agent_other_files)
        log.warn(
            "products.files",
            {{"open_files", files},
             {"max_connections", config.products.max_connections},
             {"detail",
              "this process may open fewer files than max_connections, admins and the journal need: raise "
              "LimitNOFILE, or who comes may wait to be let in"}});
    return limits;
}

}  // namespace

App::Parts::Parts(boost::asio::io_context& loop, config::AgentConfig config, const system::Clock& clock,
                  system::Random& random, system::Log& log, JournalEnd end)
    : loop_(loop),
      timers_(loop),
      config_(std::move(config)),
      random_(random),
      log_(log),
      journal_(state_folder(config_) / journal_name, hooks(std::move(end))),
      time_(clock, clock_record(journal_)),
      balances_(journal_.ledgers(), journal_.suspicion()),
      store_(loop, journal_),
      clock_keeper_(timers_, time_, journal_, store_),
      sessions_(
          timers_, time_, journal_, store_, balances_,
          {config_.products.heartbeat_ms, config_.journal.checkpoint_ms,
           static_cast<std::size_t>(config_.products.max_sessions)},
          [this](core::SyncReason reason) {
              if (link_.standing() != core::wire::Standing::revoked) link_.wake(reason);
          },
          [this](const std::vector<std::string>& resources) { published(resources); }),
      meter_(time_, journal_, store_, balances_, system::IdentityHasher(identity_key()),
             [this](const std::vector<std::string>& resources) { published(resources); }),
      link_(timers_, time_, journal_, store_, balances_, sessions_, rate_, random, log,
            config_.account.sync_interval_ms,
            {[this](const std::vector<std::string>& resources) { published(resources); },
             [this](bool reached) {
                 sessions_.answered(reached);
                 access_.answered(reached);
             },
             [this](const Identity& identity) { return access_.followed(identity); },
             [this] { sessions_.drain(); }, [this] { return sessions_.drained(); },
             [this] { meter_.close(); }}),
      retention_(
          timers_, time_, journal_, store_,
          {config_.journal.keep_events_ms, config_.journal.keep_usage_ms, config_.journal.budget_bytes},
          [this](const Forgotten& forgotten) { forgot(forgotten); }),
      storage_watch_(timers_, journal_, store_, log),
      access_(loop, timers_, config_, time_, random, log, link_),
      product_routes_(time_, balances_, meter_, sessions_, random, config_.products.allow,
                      {[this] { return link_.identity().has_value(); },
                       [this](std::function<void()> done) { look_for_resource(std::move(done)); },
                       [this] { return no_catalogue(); }}),
      product_server_(loop, product_routes_, limits_for_products(config_, log)) {
    if (config_.agent.name.empty()) config_.agent.name = host_name();
    const core::UtcTime now = time_.utc();
    started_at_ = now;
    started_boot_ = time_.boot();
    if (journal_.suspicion()) log_.error("journal.suspect", {{"detail", journal_.suspicion()->detail}});
    if (const auto damage = journal_.meta().find("damage"); damage != journal_.meta().end())
        damage_ = damage->second;
    set_aside_ = journals_set_aside(journal_path(config_));
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

// A full disk is met by whoever commits, and is for the loop to hear of.
JournalHooks App::Parts::hooks(JournalEnd end) {
    JournalHooks hooks;
    hooks.end = std::move(end);
    hooks.metered_mark = config_.products.socket + ".metered";
    hooks.full = [this, weak = std::weak_ptr<bool>(alive_)] {
        boost::asio::post(loop_, [this, weak] {
            if (weak.lock()) storage_watch_.disk_is_full();
        });
    };
    return hooks;
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
    if (forgotten.failure) log_.warn("retention.failed", {{"detail", forgotten.failure->detail}});
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
    storage_watch_.start();
    log_.info("agent.ready", {{"version", METERBOX_VERSION},
                              {"products", config_.products.socket},
                              {"enrolled", link_.identity().has_value()}});
}

// What was taken is committed and answered before anybody is let go: a report that is cut off here was not
// committed, so that whoever repeats it without an identity counts nothing twice.
void App::Parts::stop(std::function<void()> done) {
    on_stopped_ = std::move(done);
    draining_ = admin_servers_ ? 2 : 1;
    const auto one_less = [this] { drained(); };
    product_server_.drain(core::limits::drain_timeout_ms, one_less);
    if (admin_servers_) admin_servers_->drain(core::limits::drain_timeout_ms, one_less);
    sessions_.shut_down();
    link_.stop();
    retention_.stop();
    clock_keeper_.stop();
    storage_watch_.stop();
    store_.stop();
    access_.stop();
}

void App::Parts::drained() {
    if (--draining_ > 0) return;
    product_server_.stop();
    if (admin_servers_) admin_servers_->stop();
    log_.info("agent.stopped");
    on_stopped_();
}

void App::Parts::listen_admin() {
    admin_routes_.emplace(*this, or_misconfigured(admin_guard(config_, random_), "admin.token_file"));
    admin_servers_.emplace(loop_, *admin_routes_);
    const std::string host = or_throw(admin_servers_->listen(config_, true));
    if (!host.empty()) log_.info("admin.listening", {{"host", host}, {"port", admin_servers_->port()}});
}

void App::Parts::enroll(EnrollOrder order, Enrolled done) {
    access_.enroll(order, config_.agent.name, std::move(done));
}

void App::Parts::verify(Verified done) {
    store_.run_idle(std::make_unique<Verification>(
        journal_, [this, done = std::move(done)](const core::Result<ChainReport>& report) {
            if (report && report->broken) link_.doubt_journal(*report->broken);
            done(report);
        }));
}

App::App(boost::asio::io_context& loop, config::AgentConfig config, const system::Clock& clock,
         system::Random& random, system::Log& log)
    : loop_(loop),
      config_(std::move(config)),
      clock_(clock),
      random_(random),
      log_(log),
      faults_({config_.products.socket + ".faults",
               std::filesystem::path(config_.agent.state_dir) / "storage.faults"},
              clock) {
    if (faults_.recent() >= core::limits::store_faults_max) {
        stand_in("it has failed " + std::to_string(faults_.recent()) + " times within 10 minutes");
    } else {
        open();
    }
}
App::~App() = default;

void App::open() {
    try {
        parts_ = std::make_unique<Parts>(
            loop_, config_, clock_, random_, log_,
            [this](platform::sqlite::StorageFault fault, const core::Error& error) { end(fault, error); });
    } catch (const StorageFailed& failed) {
        if (faults_.note() < core::limits::store_faults_max) throw;
        stand_in(failed.what());
    }
}

void App::stand_in(const std::string& why) {
    stand_in_ = std::make_unique<StoreFault>(loop_, config_, clock_, random_, log_, why, [this] {
        stand_in_.reset();
        open();
        start();
    });
}

// On whichever thread met it. Nothing of this process is kept, for it can't know what is stored: another
// one finds out, this one's successor at the supervisor's hands, or at once in its place.
void App::end(platform::sqlite::StorageFault fault, const core::Error& error) {
    const std::int64_t times = faults_.note();
    std::fprintf(stderr, "meterboxd: the journal can't be written, so nothing is acknowledged: %s\n",
                 error.detail.c_str());
    const bool damaged = fault == platform::sqlite::StorageFault::corrupt;
    if (damaged || times >= core::limits::store_faults_max) system::start_again();
    std::_Exit(1);
}

void App::start() {
    if (parts_) return parts_->start();
    stand_in_->start();
}

void App::stop(std::function<void()> done) {
    if (parts_) return parts_->stop(std::move(done));
    stand_in_->stop();
    done();
}

}  // namespace meterbox::agent
