// Becoming an account's agent: a one-time token, a key made here, and a certificate for it. The token
// carries the fingerprint of the account's CA, so nothing has to be trusted blindly; with a CA given,
// that one alone counts. A lost answer costs nothing: the same token and key give the same answer again.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agent/identity.hpp"
#include "core/error.hpp"
#include "platform/tls/tls_context.hpp"
#include "platform/transport.hpp"

namespace boost::asio {
class io_context;
}

namespace meterbox::agent {

struct EnrollmentOrder {
    std::string url;
    std::string token;
    std::string ca_pem;       // empty: the token's fingerprint decides
    std::string name;         // the agent's, for admins
    std::string server_name;  // empty: the url's host
    std::string known_agent;  // enrolling again: the agent that it is, and must stay; empty: none yet
    std::string known_account;
    std::int64_t timeout_ms = 0;
};

class Enrollment {
public:
    using Done = std::function<void(core::Result<Identity>)>;

    Enrollment(boost::asio::io_context& loop, IdentityFiles files, platform::tls::JudgeTime judge_time)
        : loop_(loop), files_(std::move(files)), judge_time_(std::move(judge_time)) {}

    // One at a time: conflict while one runs. The identity is in its files when `done` is called.
    void enroll(const EnrollmentOrder& order, Done done);

private:
    void heard(const EnrollmentOrder& order, const std::string& key,
               const core::Result<platform::Answer>& answer);
    core::Result<Identity> judge(const EnrollmentOrder& order, const std::string& key,
                                 const core::Result<platform::Answer>& answer) const;

    boost::asio::io_context& loop_;
    IdentityFiles files_;
    platform::tls::JudgeTime judge_time_;
    std::unique_ptr<platform::Transport> transport_;
    Done done_;
};

}  // namespace meterbox::agent
