// A team's usage over HTTP: JSON, or CSV where that is accepted. Added up in slices between commits, so that
// a long report holds up nobody's sync.
#pragma once

#include "account/admin_access.hpp"
#include "account/store_jobs.hpp"
#include "platform/http/server.hpp"

namespace meterbox::account {

void answer_usage(StoreJobs& jobs, Credential credential, std::string team,
                  const platform::http::Request& request, platform::http::Responder responder);

}  // namespace meterbox::account
