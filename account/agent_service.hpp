// What agents ask over TLS: /v1/enroll, /v1/renew, /v1/hello, /v1/sync, /v1/retire. The handshake can't
// demand a client certificate, because enroll has none yet; so every other path checks it at each request
// (standing.hpp).
#pragma once

#include "account/refusal_log.hpp"
#include "account/store_jobs.hpp"
#include "platform/http/server.hpp"
#include "platform/system/log.hpp"

namespace meterbox::account {

class AgentService final : public platform::http::Handler {
public:
    AgentService(StoreJobs& jobs, platform::system::Log& log, RefusalLog& refusals)
        : jobs_(jobs), log_(log), refusals_(refusals) {}
    void handle(const platform::http::Request& request, platform::http::Responder responder) override;

private:
    StoreJobs& jobs_;
    platform::system::Log& log_;
    RefusalLog& refusals_;
};

}  // namespace meterbox::account
