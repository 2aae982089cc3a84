#include "agent/account_access.hpp"

#include <boost/asio/io_context.hpp>
#include <utility>

#include "platform/system/files.hpp"
#include "platform/tls/certificate.hpp"
#include "platform/tls/tls_context.hpp"

namespace meterbox::agent {

namespace system = platform::system;
namespace tls = platform::tls;

namespace {

constexpr std::size_t ca_bytes_max = 1024 * 1024;

// The error names the setting, and where it is set.
template <class T>
core::Error setting_error(const core::Result<T>& result, const config::AgentConfig& config,
                          const std::string& setting, const std::string& what = {}) {
    core::Error error = result.error();
    error.code = core::ErrorCode::invalid;
    error.detail = config.origin_of(setting).place + ": " + setting + ": " + what + error.detail;
    return error;
}

// Whom this agent takes for its account: the CA that a setting names, or else the one that enrolling kept.
core::Result<std::string> trusted_ca(const config::AgentConfig& config, const Identity* identity) {
    const std::string& named = config.account.ca_file;
    if (named.empty()) {
        const auto usable = tls::certificate_info(identity->ca);
        if (!usable) return setting_error(usable, config, "agent.state_dir", "the account's CA in it: ");
        return identity->ca;
    }
    auto file = system::read_file(named, ca_bytes_max);
    if (!file) return setting_error(file, config, "account.ca_file");
    const auto usable = tls::certificate_info(*file);
    if (!usable) return setting_error(usable, config, "account.ca_file", named + ": ");
    return file;
}

}  // namespace

// What is wrong with a certificate, its key or their neighbours stops sync, and nothing else.
core::Result<void> check_identity(const config::AgentConfig& config) {
    const auto identity = IdentityFiles(config.agent.state_dir).load(config.account.ca_file.empty());
    if (!identity && identity.error().code == core::ErrorCode::forbidden)
        return setting_error(identity, config, "agent.state_dir");
    if (config.account.ca_file.empty()) return {};
    const auto ca = trusted_ca(config, nullptr);
    if (!ca) return ca.error();
    return {};
}

AccountAccess::AccountAccess(boost::asio::io_context& loop, system::Timers& timers,
                             const config::AgentConfig& config, const AgentTime& time, system::Random& random,
                             system::Log& log, AccountLink& link)
    : loop_(loop),
      config_(config),
      time_(time),
      log_(log),
      link_(link),
      files_(config.agent.state_dir),
      enrollment_(loop, files_, [this] { return judge_time(); }),
      renewal_(
          timers, time, files_, random, log,
          [this](const Identity& identity) -> core::Result<std::unique_ptr<platform::Transport>> {
              auto made = transport_of(identity);
              if (!made) return made.error();
              return std::unique_ptr<platform::Transport>(std::move(*made));
          },
          [this](const Identity& identity) { take_up(identity); },
          [this](const core::Error& why) { link_.not_renewed(why); }) {}

// While no time is trusted, a chain to the pinned CA may be not yet valid: its maker's clock is right.
tls::TimeJudgement AccountAccess::judge_time() const {
    const bool trusted = time_.trusted().quality() == core::ClockQuality::trusted;
    return {time_.for_certificates(), !trusted};
}

core::Result<void> AccountAccess::load() {
    auto identity = files_.load(config_.account.ca_file.empty());
    if (!identity && identity.error().code == core::ErrorCode::forbidden)
        return setting_error(identity, config_, "agent.state_dir");
    if (!identity) {
        lose(identity.error());
        return {};
    }
    if (!*identity) {
        const bool was_enrolled = link_.knows_catalogue();  // it is told with each answer to hello
        if (was_enrolled && link_.retiring() != AccountLink::Retiring::retired)
            lose({core::ErrorCode::not_found, files_.missing(), {}, {}});
        return {};
    }
    return connect(std::move(**identity));
}

// Who it is can't be shown to the account any more: it goes on with what it has, and says what cures it.
void AccountAccess::lose(const core::Error& why) {
    Lost lost{files_.known(), files_.has_key(), why};
    lost.why.code = core::ErrorCode::not_enrolled;
    const std::string agent = lost.known ? "agent " + lost.known->agent : "the agent that this machine was";
    if (lost.has_key) {
        lost.why.detail += ": enroll this agent again, with a token from `meterbox-account agent token " +
                           (lost.known ? lost.known->team : "TEAM") + "`: meterbox enroll " +
                           (lost.known ? url_of(*lost.known) : "URL") + " --token T";
    } else {
        lost.why.detail +=
            ": put agent.key back from a copy; if there is none, give this machine a new state "
            "folder, enroll it anew, and give up " +
            agent + " with `meterbox-account agent write-off`";
    }
    log_.error("certificate.lost", {{"detail", lost.why.detail}});
    link_.lose_identity(lost.why);
    lost_ = std::move(lost);
}

core::Result<std::shared_ptr<const tls::TlsContext>> AccountAccess::context_of(
    const Identity& identity) const {
    tls::ClientOptions options;
    const auto ca = trusted_ca(config_, &identity);
    if (!ca) return ca.error();
    options.trusted_pem = *ca;
    options.certificate_pem = identity.certificate;
    options.key_pem = identity.key;
    options.judge_time = [this] { return judge_time(); };
    options.cures.untrusted =
        "if the account's CA was changed on purpose, put what `meterbox-account ca` prints into a file and "
        "name it in account.ca_file";
    options.cures.other_name =
        "start the account with `serve --name` and this name, or set account.server_name to one of those";
    options.cures.expired = "the account renews it by itself while it serves: start it again";
    auto context = tls::TlsContext::client(options);
    if (!context) return setting_error(context, config_, "agent.state_dir");
    return context;
}

core::Result<std::unique_ptr<AccountTransport>> AccountAccess::transport_of(const Identity& identity) const {
    auto context = context_of(identity);
    if (!context) return context.error();
    return make_account_transport(loop_, url_of(identity), config_.account.server_name, std::move(*context),
                                  config_.account.sync_timeout_ms);
}

core::Result<void> AccountAccess::connect(Identity identity) {
    auto transport = transport_of(identity);
    if (!transport) return transport.error();
    transport_ = std::move(*transport);
    if (link_.retiring() != AccountLink::Retiring::retired) renewal_.watch(identity);
    std::string url = url_of(identity);
    link_.connect(std::move(identity), *transport_, std::move(url));
    return {};
}

// Another certificate for who it is already: what is being said goes on.
void AccountAccess::take_up(const Identity& identity) {
    auto context = context_of(identity);
    if (!context) return log_.error("certificate.not_used", {{"detail", context.error().detail}});
    transport_->use(std::move(*context));
    link_.renewed(identity);
}

// Whoever is enrolled and well stays so; a certificate that is past renewal, or that the account doesn't
// know any more, is cured by enrolling again.
bool AccountAccess::may_enroll(core::Error& why_not) const {
    if (const EnrollmentState ended = state();
        ended == EnrollmentState::retired || ended == EnrollmentState::revoked) {
        why_not = {core::ErrorCode::conflict,
                   "this agent" +
                       (who() != nullptr ? ", " + who()->agent + " of team " + who()->team + "," : "") +
                       " is " + std::string(name_of(ended)) +
                       ": to use this machine again, give it a new, empty state folder and enroll it there",
                   {},
                   {}};
        return false;
    }
    if (lost_ && !lost_->has_key) {
        why_not = lost_->why;
        return false;
    }
    const std::optional<Identity>& identity = link_.identity();
    const bool lost = link_.standing() == core::wire::Standing::unknown ||
                      link_.standing() == core::wire::Standing::expired || renewal_.expired() ||
                      link_.lease_key_unknown();
    if (!identity || lost) return true;
    why_not = {core::ErrorCode::conflict,
               "this agent is enrolled already, as " + identity->agent + " of team " + identity->team,
               {},
               {}};
    return false;
}

void AccountAccess::enroll(const EnrollOrder& order, const std::string& name, AgentView::Enrolled done) {
    core::Error why_not;
    if (!may_enroll(why_not)) return done(why_not);
    EnrollmentOrder enrollment;
    enrollment.url = order.url;
    enrollment.token = order.token;
    enrollment.ca_pem = order.ca_pem;
    enrollment.name = name;
    enrollment.server_name = config_.account.server_name;
    enrollment.timeout_ms = config_.account.sync_timeout_ms;
    if (const Identity* identity = who()) {
        enrollment.known_agent = identity->agent;
        enrollment.known_account = identity->account;
    }
    enrollment_.enroll(enrollment, [this, done = std::move(done)](core::Result<Identity> identity) {
        if (!identity) return done(identity.error());
        const std::string agent = identity->agent;
        lost_.reset();
        log_.info("agent.enrolled", {{"agent", agent}, {"team", identity->team}, {"account", identity->url}});
        if (link_.identity()) {
            renewal_.watch(*identity);
            take_up(*identity);
            std::string url = url_of(*identity);
            link_.connect(std::move(*identity), *transport_, std::move(url));
        } else if (const auto connected = connect(std::move(*identity)); !connected) {
            return done(connected.error());  // settings that an agent without identity doesn't use
        }
        // Enrolled means usable: the first sync brings the resources. Its failure is no failure of
        // enrollment.
        link_.sync_now([agent, done](const core::Result<void>&) { done(agent); });
    });
}

void AccountAccess::answered(bool well) {
    if (link_.retiring() == AccountLink::Retiring::retired) return renewal_.stop();
    if (link_.standing() == core::wire::Standing::expired) return renewal_.refused_as_expired();
    if (well) return renewal_.taken();
    renewal_.reconsider();
}

void AccountAccess::stop() {
    renewal_.stop();
    transport_.reset();  // an exchange in flight would hold up the end
}

EnrollmentState AccountAccess::state() const {
    using core::wire::Standing;
    if (link_.retiring() == AccountLink::Retiring::retired) return EnrollmentState::retired;
    if (!link_.identity()) return EnrollmentState::none;
    if (link_.standing() == Standing::revoked) return EnrollmentState::revoked;
    if (link_.standing() == Standing::fenced) return EnrollmentState::fenced;
    if (link_.standing() == Standing::retired) return EnrollmentState::retired;
    if (link_.standing() == Standing::expired || renewal_.expired()) return EnrollmentState::expired;
    return EnrollmentState::enrolled;
}

std::string AccountAccess::url_of(const Identity& identity) const {
    return config_.account.url.empty() ? identity.url : config_.account.url;
}

const Identity* AccountAccess::who() const {
    if (link_.identity()) return &*link_.identity();
    return lost_ && lost_->known ? &*lost_->known : nullptr;
}

std::string AccountAccess::url() const {
    return who() != nullptr ? url_of(*who()) : "";
}

std::string AccountAccess::last_error() const {
    if (lost_) return lost_->why.detail;
    const bool renewal_first = state() == EnrollmentState::expired && !renewal_.last_error().empty();
    return renewal_first || link_.last_error().empty() ? renewal_.last_error() : link_.last_error();
}

}  // namespace meterbox::agent
