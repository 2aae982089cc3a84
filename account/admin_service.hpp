// What admins read on the admin port: a team's cards, usage and agents, as JSON, with a bearer token or the
// cookie of who signed in. /healthz, /readyz and the dashboard's files need neither. It changes nothing but
// what anybody's look may expire.
#pragma once

#include <string>

#include "account/sign_in_service.hpp"
#include "account/store_jobs.hpp"
#include "platform/http/server.hpp"

namespace meterbox::account {

class AdminService final : public platform::http::Handler {
public:
    // token: the one in admin.token; others are in the store.
    AdminService(StoreJobs& jobs, std::string token)
        : jobs_(jobs), token_(std::move(token)), sign_in_(jobs, token_) {}
    void handle(const platform::http::Request& request, platform::http::Responder responder) override;

private:
    StoreJobs& jobs_;
    std::string token_;
    SignInService sign_in_;
};

}  // namespace meterbox::account
