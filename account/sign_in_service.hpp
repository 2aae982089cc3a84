// Signing in to the admin port for a browser: POST /v1/sign-in {"token"} sets a cookie that no script reads
// and no other site sends, POST /v1/sign-out ends it. A request that a page of another site caused is
// refused. What a cookie may read is in admin_access.hpp.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "account/sign_in_limit.hpp"
#include "account/store_jobs.hpp"
#include "platform/http/server.hpp"

namespace meterbox::account {

class SignInService {
public:
    SignInService(StoreJobs& jobs, std::string operators_token)
        : jobs_(jobs), operators_token_(std::move(operators_token)) {}

    // False: the path is somebody else's, and the responder untouched.
    bool handle(const platform::http::Request& request, platform::http::Responder& responder);

    // The cookie of a request; none: it has none.
    static std::optional<std::string> cookie_of(const platform::http::Request& request);

private:
    void sign_in(const platform::http::Request& request, platform::http::Responder responder);
    void sign_out(const platform::http::Request& request, platform::http::Responder responder);

    StoreJobs& jobs_;
    std::string operators_token_;
    SignInLimit limit_;  // in jobs alone
};

}  // namespace meterbox::account
