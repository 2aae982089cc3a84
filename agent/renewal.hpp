// Keeps this agent's certificate alive: with a third of its life left, or once the account takes it for
// expired (the clock here may be months behind), it asks the account for the next one, for the same key, and
// goes on asking, also after the end. The new one is in its file, whole, before it is used; a crash at any
// point leaves one certificate or the other, and both are good. What is wrong with it is for admins to see,
// and stops nothing: whether a certificate counts is the account's to say. Loop thread only.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/agent_time.hpp"
#include "agent/identity.hpp"
#include "core/error.hpp"
#include "core/wire_standing.hpp"
#include "platform/system/log.hpp"
#include "platform/system/random.hpp"
#include "platform/system/timer.hpp"
#include "platform/transport.hpp"

namespace meterbox::agent {

class Renewal {
public:
    // A connection of its own, made with the identity's certificate.
    using Connect =
        std::function<core::Result<std::unique_ptr<platform::Transport>>(const Identity& identity)>;
    using Renewed = std::function<void(const Identity&)>;
    // The account has answered that it doesn't renew it, or is away and won't.
    using Refused = std::function<void(const core::Error& why)>;

    Renewal(platform::system::Timers& timers, const AgentTime& time, IdentityFiles files,
            platform::system::Random& random, platform::system::Log& log, Connect connect, Renewed renewed,
            Refused refused = {});

    // Who to renew for, from now on.
    void watch(Identity identity);
    // Something new is known, of the time perhaps: is it due? Not while the last failure is being waited out.
    void reconsider();
    // The account answers, and takes the certificate.
    void taken();
    // The account takes this certificate for expired: it is renewed whatever the clock here says. Not while
    // what it answered to the last attempt is being waited out, and one that was issued just now is such a
    // failure.
    void refused_as_expired();
    void stop();

    bool expired() const;
    // Why the last attempt failed; empty once one succeeds, or while none is due.
    const std::string& last_error() const { return last_error_; }

private:
    void ask();
    void heard(const core::Result<platform::Answer>& answer);
    core::Result<Identity> judge(const core::Result<platform::Answer>& answer) const;
    core::Error past_renewal(const core::Error& unheard) const;
    void failed(const core::Error& error);
    bool may_ask_sooner() const;

    std::unique_ptr<platform::system::Timer> timer_;
    const AgentTime& time_;
    IdentityFiles files_;
    platform::system::Random& random_;
    platform::system::Log& log_;
    Connect connect_;
    Renewed renewed_;
    Refused refused_;
    std::optional<Identity> identity_;
    std::unique_ptr<platform::Transport> transport_;  // while it asks
    std::unique_ptr<platform::Transport> used_;       // still inside its completion
    std::optional<core::BootTime> renewed_at_;
    std::optional<core::BootTime> asked_at_;
    int failures_ = 0;
    bool unheard_ = false;  // the last attempt had no answer: whoever answers now may be asked sooner
    bool doubted_ = false;  // a certificate that was issued just now was taken for expired
    std::string last_error_;
    bool stopped_ = false;
};

}  // namespace meterbox::agent
