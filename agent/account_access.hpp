// How this agent comes to its account and stays known to it: the identity in the state folder, the connection
// made with it, enrolling, and renewing the certificate. What is said over the connection is AccountLink's.
// Loop thread only.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "agent/account_link.hpp"
#include "agent/account_transport.hpp"
#include "agent/agent_view.hpp"
#include "agent/enrollment.hpp"
#include "agent/identity.hpp"
#include "agent/renewal.hpp"
#include "agent/status.hpp"
#include "config/agent_config.hpp"

namespace meterbox::agent {

// What the settings and the state folder say of this agent and its account can be used. An error names the
// setting and where it is set.
[[nodiscard]] core::Result<void> check_identity(const config::AgentConfig& config);

class AccountAccess {
public:
    AccountAccess(boost::asio::io_context& loop, platform::system::Timers& timers,
                  const config::AgentConfig& config, const AgentTime& time, platform::system::Random& random,
                  platform::system::Log& log, AccountLink& link);

    // Connects as whoever the state folder says; nobody: not enrolled, or what that takes was lost. An error
    // names the setting.
    [[nodiscard]] core::Result<void> load();
    void enroll(const EnrollOrder& order, const std::string& name, AgentView::Enrolled done);
    // An exchange with the account ended: the time may be known better.
    void answered(bool well);
    void stop();
    // The account signs leases with another key.
    [[nodiscard]] core::Result<void> followed(const Identity& identity) {
        return files_.save_lease_keys(identity);
    }

    EnrollmentState state() const;  // none, too, where what it needs to show who it is was lost
    const Identity* who() const;  // where that was lost, what is still known of it; null: nothing, or nobody
    std::string url() const;      // of the account; empty: not enrolled
    std::string last_error() const;  // of sync or renewal, whichever keeps the other from working

private:
    struct Lost {  // it was enrolled, and what the state folder holds of that can't be used
        std::optional<Identity> known;
        bool has_key = false;
        core::Error why;  // with its cure
    };

    core::Result<std::shared_ptr<const platform::tls::TlsContext>> context_of(const Identity& identity) const;
    core::Result<std::unique_ptr<AccountTransport>> transport_of(const Identity& identity) const;
    core::Result<void> connect(Identity identity);
    void lose(const core::Error& why);
    void take_up(const Identity& identity);
    bool may_enroll(core::Error& why_not) const;
    std::string url_of(const Identity& identity) const;
    platform::tls::TimeJudgement judge_time() const;

    boost::asio::io_context& loop_;
    const config::AgentConfig& config_;
    const AgentTime& time_;
    platform::system::Log& log_;
    AccountLink& link_;
    IdentityFiles files_;
    Enrollment enrollment_;
    std::unique_ptr<AccountTransport> transport_;
    Renewal renewal_;
    std::optional<Lost> lost_;
};

}  // namespace meterbox::agent
