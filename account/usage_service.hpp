// A team's usage over HTTP: JSON, or CSV where that is accepted. Added up in slices between commits, so that
// a long report holds up nobody's sync.
#pragma once

#include <optional>
#include <string>

#include "account/admin_access.hpp"
#include "account/store_jobs.hpp"
#include "platform/http/server.hpp"

namespace meterbox::account {

// What is wrong with the names in a request's query, or with their number; none: nothing.
std::optional<std::string> usage_query_problem(const platform::http::Request& request);

void answer_usage(StoreJobs& jobs, Credential credential, std::string team,
                  const platform::http::Request& request, platform::http::Responder responder);

}  // namespace meterbox::account
