// What admins read on the admin port: a team's cards, usage and agents, as JSON, with a bearer token.
// /healthz and /readyz need none. It changes nothing but what anybody's look may expire.
#pragma once

#include <string>

#include "account/store_jobs.hpp"
#include "platform/http/server.hpp"

namespace meterbox::account {

class AdminService final : public platform::http::Handler {
public:
    // token: the one in admin.token; others are in the store.
    AdminService(StoreJobs& jobs, std::string token) : jobs_(jobs), token_(std::move(token)) {}
    void handle(const platform::http::Request& request, platform::http::Responder responder) override;

private:
    StoreJobs& jobs_;
    std::string token_;
};

}  // namespace meterbox::account
